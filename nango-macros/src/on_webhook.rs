//! `#[on_webhook(your_sync, "type")]`: the webhook handler of a sync. Its handle has the sync's marker, so
//! that it may save the models of the sync.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Error, LitStr, Path, Result, Token, Type,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
    spanned::Spanned,
};

use crate::{args::Errors, func::Func, marker, parts};

const WHAT: &str = "`#[on_webhook]`";
const EXAMPLE: &str = "async fn name(nango: NangoSync, payload: Payload) -> Result<()>";
const USAGE: &str = "write the sync's function and the webhook types: `#[on_webhook(your_sync, \"issues.opened\")]`, \
                     or `\"*\"` for all";

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let func = match Func::read(WHAT, EXAMPLE, item) {
        Ok(func) => func,
        Err(tokens) => return tokens,
    };
    match WebhookDeclaration::validate(args, &func) {
        Ok(declaration) => declaration.expand(func),
        // The sync is not imported, and the handler has a marker of its own.
        Err(error) => func.with_errors(error, &TokenStream::new()),
    }
}

/// A valid declaration of a webhook handler.
struct WebhookDeclaration {
    /// Path of the sync's function.
    sync: Path,
    types: Vec<LitStr>,
    payload: Type,
}

impl WebhookDeclaration {
    /// Checks the arguments and the signature. The error contains all mistakes.
    fn validate(args: TokenStream, func: &Func) -> Result<Self> {
        let mut errors = Errors::default();
        let parsed = read.parse2(args).map_err(|error| errors.add(error)).ok();
        func.check(WHAT, EXAMPLE, true, &mut errors);
        if func.arity() != 2 {
            errors.push_at(func.param_span(2), format!("{WHAT} takes the handle and the payload: `{EXAMPLE}`"));
        } else if func.sig.asyncness.is_some() || func.has_handle() {
            func.check_handle("NangoSync", WHAT, EXAMPLE, &mut errors);
        }
        match (parsed, func.param(1)) {
            (Some((sync, types)), Some(payload)) => errors.or(Self { sync, types, payload: payload.clone() }),
            _ => Err(errors.into_error()),
        }
    }

    fn expand(&self, func: Func) -> TokenStream {
        let Self { sync: path, types, payload } = self;
        let ident = func.sig.ident.clone();
        // The marker module of the sync, under an alias that is unique to the handler.
        let alias = format_ident!("__sync_of_{}", ident.unraw(), span = Span::call_site());
        let sync = path.segments.last().map(|last| {
            let name = &last.ident;
            let alias = marker::with_span(&alias, name.span());
            quote!(#alias::#name)
        });
        let sync = sync.unwrap_or_default();
        let (name, description, at) = (func.name(), func.description(), parts::location(&ident));
        let (_, span) = func.output();
        let func = func.with_marker(&sync);
        let function = marker::with_span(&ident, span);
        let import = import(path, &alias);
        let [n, v, p] = ["n", "v", "p"].map(|name| Ident::new(name, span));
        let shown = marker::respan(&sync, span);
        let payload_type = quote_spanned!(payload.span()=> __nango::payload_type::<__Payload>());
        let read = quote_spanned!(payload.span()=> __nango::payload::<__Payload>);
        let payload = quote_spanned!(payload.span()=> impl __nango::Payload for __Payload { type Payload = #payload; });
        let run = quote_spanned! {span=>
            |#n, #v| match #read(#v) {
                ::core::result::Result::Ok(#p) => __nango::box_sync(#function(__nango::sync_handle::<#shown>(#n), #p)),
                ::core::result::Result::Err(error) => __nango::fail(error),
            }
        };
        // The span of the path: a function that is not a sync, and a second handler of a sync, are reported there.
        let tie = quote_spanned!(path.span()=> impl __nango::HasWebhook for #sync {});
        let def = quote_spanned!(path.span()=> __nango::sync_of::<#sync>());
        let cfgs = func.cfgs();
        quote! {
            #func
            #(#cfgs)*
            #import
            #(#cfgs)*
            const _: () = {
                use ::__nango_core::__private as __nango;
                enum __Payload {}
                #payload
                #tie
                static __DEF: __nango::WebhookDef = __nango::WebhookDef {
                    at: #at,
                    name: #name,
                    description: #description,
                    sync: #def,
                    subscriptions: &[#(#types),*],
                    payload: #payload_type,
                    run: #run,
                };
                __nango::inventory::submit!(__nango::Item::Webhook(&__DEF));
            };
        }
    }
}

fn read(input: ParseStream<'_>) -> Result<(Path, Vec<LitStr>)> {
    let usage = |error: Error| Error::new(error.span(), USAGE);
    let path = input.call(Path::parse_mod_style).map_err(usage)?;
    if input.is_empty() {
        return Err(Error::new(path.span(), USAGE));
    }
    input.parse::<Token![,]>().map_err(usage)?;
    let types = Punctuated::<LitStr, Token![,]>::parse_terminated(input).map_err(usage)?;
    if types.is_empty() {
        return Err(Error::new(path.span(), USAGE));
    }
    let mut seen = Vec::new();
    for text in &types {
        let value = text.value();
        if value.trim().is_empty() {
            return Err(Error::new(text.span(), "this webhook type is empty: write `\"*\"` for all"));
        }
        if seen.contains(&value) {
            return Err(Error::new(text.span(), format!("\"{value}\" is given twice")));
        }
        seen.push(value);
    }
    Ok((path, types.into_iter().collect()))
}

/// Returns `use issues::{all_issues as _, __all_issues as __sync_of_…};`. The function is imported in addition to its
/// marker module, so that an unknown name is reported once, as the user wrote it.
fn import(path: &Path, alias: &syn::Ident) -> TokenStream {
    let mut path = path.clone();
    let Some(last) = path.segments.pop() else { return TokenStream::new() };
    let span = last.ident.span();
    let (lead, segments) = (path.leading_colon, &path.segments);
    let (function, module) = (&last.ident, marker::with_span(&marker::module(&last.ident), span));
    let alias = marker::with_span(alias, span);
    // A single name refers to this module, not to a crate.
    let self_prefix = (segments.is_empty() && lead.is_none()).then(|| quote!(self::));
    let names = quote_spanned!(span=> {#function as _, #module as #alias});
    quote! {
        #[doc(hidden)]
        #[allow(unused_imports)]
        use #lead #self_prefix #segments #names;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &str = "async fn on_issue(nango: NangoSync, payload: IssueEvent) -> Result<()> {}";

    fn declaration(args: &str, item: &str) -> Result<WebhookDeclaration> {
        WebhookDeclaration::validate(args.parse().unwrap(), &syn::parse_str(item).unwrap())
    }

    #[test]
    fn handler_has_a_sync_and_webhook_types() {
        let got = declaration("issues::all, \"a\", \"b\"", ITEM).unwrap();
        assert_eq!((got.sync.segments.len(), got.types.len()), (2, 2));
        let check = |args: &str, expect: &str| {
            let error = declaration(args, ITEM).err().unwrap().to_string();
            assert!(error.contains(expect), "{args}: {error}");
        };
        for args in ["", "issues", "issues,", "\"issues\", \"a\"", "issues, a"] {
            check(args, "write the sync's function and the webhook types");
        }
        check("issues, \" \"", "this webhook type is empty");
        check("issues, \"a\", \"a\"", "\"a\" is given twice");
    }

    #[test]
    fn all_mistakes_are_in_one_error() {
        let error = declaration("issues", "fn on_issue(nango: NangoSync) {}").err().unwrap();
        assert_eq!(error.into_iter().count(), 4);
    }
}
