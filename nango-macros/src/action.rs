//! Expansion of `#[action]`: an operation at the provider, with an input and an output.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::{
    args::{Args, Errors},
    func::{Func, capability},
    marker, parts,
    sync::schema,
};

const WHAT: &str = "`#[action]`";
const EXAMPLE: &str = "async fn name(nango: NangoAction, input: Input) -> Result<Output>";
const KEYS: &[&str] = &["integration", "name", "description", "version", "scopes", "checkpoint", "metadata"];

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut args = Args::parse(WHAT, KEYS, args);
    let mut func = match Func::read(WHAT, EXAMPLE, item) {
        Ok(func) => func,
        Err(tokens) => return tokens,
    };
    let ident = func.sig.ident.clone();
    let marker = marker::path(&ident, Span::call_site());
    let head = parts::descriptor_fields(&mut args, &func);
    let version = parts::version(&mut args);
    let scopes = args.strings("scopes");
    let checkpoint = args.ty("checkpoint");
    let metadata = args.ty("metadata");
    let mut signature = Errors::default();
    func.check(WHAT, EXAMPLE, true, &mut signature);
    if func.sig.asyncness.is_some() || func.has_handle() {
        func.inject("NangoAction", WHAT, EXAMPLE, &marker, &mut signature);
    }
    if func.arity() > 2 {
        let message = "an action takes the handle and at most one input: group the inputs in a `#[model]` struct";
        signature.push_at(func.param_span(2), message);
    }
    let input = func.param(1).cloned();
    let (output, span) = func.output();
    let output = quote_spanned!(span=> <#output as __nango::Returns>::Ok);
    let types = {
        let input = if let Some(ty) = &input {
            quote_spanned!(ty.span()=> type Input = #ty;)
        } else {
            quote!(
                type Input = ();
            )
        };
        quote!(#input type Output = #output;)
    };
    let has_checkpoint = capability("Checkpoint", checkpoint.as_ref(), &marker);
    let has_metadata = capability("Metadata", metadata.as_ref(), &marker);
    if !(args.errors.is_empty() && signature.is_empty()) {
        // With a valid signature the action can still be triggered, so that its callers report no errors.
        let callable = signature.is_empty().then(|| {
            quote! {
                impl __nango::ActionMarker for #marker {
                    #types
                    const DEF: &'static __nango::ActionDef = ::core::panic!();
                }
            }
        });
        args.errors.extend(signature);
        return func.with_errors(args.errors, &quote!(#has_checkpoint #has_metadata #callable));
    }

    let function = marker::with_span(&ident, span);
    let (n, v, i) = (syn::Ident::new("n", span), syn::Ident::new("v", span), syn::Ident::new("i", span));
    let run = if input.is_some() {
        quote_spanned! {span=>
            |#n, #v| match __nango::input::<#marker>(#v) {
                ::core::result::Result::Ok(#i) => __nango::box_action(#function(#n.into(), #i)),
                ::core::result::Result::Err(error) => __nango::fail(error),
            }
        }
    } else {
        quote_spanned!(span=> |#n, _| __nango::box_action(#function(#n.into())))
    };
    let input = schema("input_schema", input.as_ref(), &marker);
    let checkpoint = schema("checkpoint_schema", checkpoint.as_ref(), &marker);
    let metadata = schema("metadata_schema", metadata.as_ref(), &marker);
    let cfgs = func.cfgs();
    let marker_type = marker::define(&ident, &func.vis, &cfgs);
    quote! {
        #func
        #marker_type
        #(#cfgs)*
        const _: () = {
            use ::__nango_core::__private as __nango;
            #has_checkpoint
            #has_metadata
            static __DEF: __nango::ActionDef = __nango::ActionDef {
                #head
                version: #version,
                scopes: &[#(#scopes),*],
                input: #input,
                output: __nango::schema::<#output>,
                checkpoint: #checkpoint,
                metadata: #metadata,
                run: #run,
            };
            impl __nango::ActionMarker for #marker {
                #types
                const DEF: &'static __nango::ActionDef = &__DEF;
            }
            __nango::inventory::submit!(__nango::Item::Action(&__DEF));
        };
    }
}
