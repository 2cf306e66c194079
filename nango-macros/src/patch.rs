//! Expansion of `#[patch(of = Model)]`: a set of changes to a record. Each field is checked against the model's.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Data, DeriveInput, Field, Fields, GenericArgument, LitStr, PathArguments, Token, Type, ext::IdentExt,
    parse::Parser, parse_quote, punctuated::Punctuated, spanned::Spanned,
};

use crate::{
    args::Args,
    derives::{cfgs, derives},
    model::{field, no_field, no_generics, read},
};

const WHAT: &str = "`#[patch]`";

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut args = Args::parse(WHAT, &["of", "id", "nested"], args);
    let mut input = match read(WHAT, "a struct with named fields", item) {
        Ok(input) => input,
        Err(tokens) => return tokens,
    };
    no_generics(WHAT, &input, &mut args.errors);
    let model = args.ty("of");
    if model.is_none() && args.errors.is_empty() {
        args.errors
            .push_at(Span::call_site(), "`#[patch]` needs the model that it changes: `#[patch(of = YourModel)]`");
    }
    let id = id_field(&input, &mut args);
    let changes = changes(&mut input, id.as_ref(), &mut args);
    let derives = derives(&input.attrs);
    let cfgs = cfgs(&input.attrs);
    let ident = &input.ident;
    let generic = !input.generics.params.is_empty();
    let broken = !args.errors.is_empty();
    let errors = args.errors.into_tokens();
    let (Some(model), false) = (model, generic) else {
        return quote!(#derives #input #errors);
    };
    // The model is named once, in an alias, so that an unknown model is reported once.
    let alias = quote_spanned!(model.span()=> type __Model = #model;);
    let patch = id.map(|(_, id)| {
        let of = quote_spanned!(model.span()=> type Model = __Model;);
        let body = match id {
            Some(field) if !broken => {
                let name = crate::marker::with_span(&field.0, field.1);
                quote_spanned!(field.1=> &self.#name)
            }
            _ => quote!(loop {}),
        };
        quote! {
            impl __nango::PatchOf for #ident {
                #of
                fn id(&self) -> &<__Model as __nango::Record>::Id { #body }
            }
        }
    });
    let check = (!broken && !changes.is_empty()).then(|| quote!(const _: fn(__Model) = |model| { #changes };));
    quote! {
        #derives
        #input
        #(#cfgs)*
        const _: () = {
            use ::__nango_core::__private as __nango;
            #alias
            impl __nango::Data for #ident {}
            impl __nango::Fits<__Model> for #ident {}
            impl __nango::Fits<::core::option::Option<__Model>> for #ident {}
            #patch
            #check
        };
        #errors
    }
}

type Id = (String, Option<(syn::Ident, Span)>);

/// Returns the name of the key field, and the field if it exists; `None` for a nested patch. Reports a missing field.
fn id_field(input: &DeriveInput, args: &mut Args) -> Option<Id> {
    let nested = args.flag("nested").unwrap_or(false);
    let key = args.string("id");
    if nested {
        if let Some(key) = key {
            args.errors.push_at(key.span(), "a nested patch has no id: it is a part of another patch");
        }
        return None;
    }
    let id_name = key.as_ref().map_or_else(|| "id".to_owned(), LitStr::value);
    let fields: Vec<&Field> = match &input.data {
        Data::Struct(data) => data.fields.iter().collect(),
        _ => Vec::new(),
    };
    let found = field(&fields, &id_name).map(|(ident, field)| (ident.clone(), field.ty.span()));
    if found.is_none() {
        if let Some(key) = key {
            args.errors.push_at(key.span(), no_field(&input.ident, &fields, &id_name));
        } else if named_fields(&input.data) {
            let message = "a patch identifies the record that it changes: add a field `id`, name it with \
                           `#[patch(of = YourModel, id = \"field\")]`, or write `nested` for a part of another patch";
            args.errors.push_at(input.ident.span(), message);
        }
    }
    Some((id_name, found))
}

fn named_fields(data: &Data) -> bool {
    matches!(data, Data::Struct(data) if matches!(data.fields, Fields::Named(_)))
}

/// Makes serde skip unset fields. Returns the compile-time checks of all fields except the id against the model's.
fn changes(input: &mut DeriveInput, id: Option<&Id>, args: &mut Args) -> TokenStream {
    if !named_fields(&input.data) {
        args.errors.push_at(input.ident.span(), "`#[patch]` goes on a struct with named fields");
    }
    let Data::Struct(data) = &mut input.data else { return TokenStream::new() };
    let mut checks = TokenStream::new();
    for field in &mut data.fields {
        let Some(ident) = field.ident.clone() else { continue };
        if id.is_some_and(|(name, _)| ident.unraw() == name) {
            continue;
        }
        let (fits, skip, inner) = match wrapped(&field.ty) {
            Some(("Option", inner)) => ("fits", "::core::option::Option::is_none", inner),
            Some((_, inner)) => ("fits_nullable", "::__nango_core::Patch::is_keep", inner),
            // The field may be the key under a wrong name.
            None if id.is_some_and(|(_, found)| found.is_none()) => continue,
            None => {
                let ty = field.ty.to_token_stream().to_string().replace(' ', "");
                let message = format!(
                    "a field of a patch may be left out: write `Option<{ty}>`, or `Patch<{ty}>` if it can also become \
                     null"
                );
                args.errors.push_at(field.ty.span(), message);
                continue;
            }
        };
        let cfgs = cfgs(&field.attrs);
        let fits = syn::Ident::new(fits, inner.span());
        let check = quote_spanned!(inner.span()=> __nango::#fits::<#inner, _>);
        checks.extend(quote!(#(#cfgs)* #check(&model.#ident);));
        let written = serde_keys(&field.attrs);
        if !written.iter().any(|key| key == "default") {
            field.attrs.push(parse_quote!(#[serde(default)]));
        }
        if !written.iter().any(|key| key == "skip_serializing_if") {
            field.attrs.push(parse_quote!(#[serde(skip_serializing_if = #skip)]));
        }
    }
    checks
}

/// Returns the wrapper of `Option<T>` or `Patch<T>`, and `T`.
fn wrapped(ty: &Type) -> Option<(&'static str, Type)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let name = ["Option", "Patch"].into_iter().find(|name| last.ident == name)?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
            GenericArgument::Type(inner) => Some((name, inner.clone())),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the keys in the `#[serde(…)]` attributes of a field.
fn serde_keys(attrs: &[Attribute]) -> Vec<String> {
    let mut keys = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        let parse = Punctuated::<syn::Meta, Token![,]>::parse_terminated;
        // Serde reports an attribute that does not parse.
        let metas = attr.meta.require_list().ok().and_then(|list| parse.parse2(list.tokens.clone()).ok());
        keys.extend(metas.into_iter().flatten().map(|meta| meta.path().to_token_stream().to_string()));
    }
    keys
}
