//! Expansion of `#[checkpoint]`: a flat struct that a function stores between its runs.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Data, Fields, spanned::Spanned};

use crate::{
    args::Args,
    derives::{cfgs, derives},
    model::{no_generics, read},
};

const WHAT: &str = "`#[checkpoint]`";

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut args = Args::parse(WHAT, &[], args);
    let input = match read(WHAT, "a struct with named fields", item) {
        Ok(input) => input,
        Err(tokens) => return tokens,
    };
    let ident = &input.ident;
    no_generics(WHAT, &input, &mut args.errors);
    let flat = match &input.data {
        Data::Struct(data) if matches!(data.fields, Fields::Named(_)) => data
            .fields
            .iter()
            .map(|field| {
                let (ty, cfgs) = (&field.ty, cfgs(&field.attrs));
                let check = quote_spanned!(ty.span()=> __nango::flat::<#ty>(););
                quote!(#(#cfgs)* #check)
            })
            .collect(),
        _ => {
            args.errors.push_at(ident.span(), "`#[checkpoint]` goes on a struct with named fields");
            TokenStream::new()
        }
    };
    let derives = derives(&input.attrs);
    let cfgs = cfgs(&input.attrs);
    let errors = args.errors.into_tokens();
    if !input.generics.params.is_empty() {
        return quote!(#derives #item #errors);
    }
    quote! {
        #derives
        #item
        #(#cfgs)*
        const _: () = {
            use ::__nango_core::__private as __nango;
            impl __nango::Data for #ident {}
            impl __nango::Checkpoint for #ident {}
            const _: fn() = || { #flat };
        };
        #errors
    }
}
