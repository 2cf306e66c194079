//! Functions that cannot have an attribute, whatever its arguments are: methods, functions with a second attribute, and
//! entry points of a runtime. Each is one error, in place of the errors that follow from it.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Attribute, Error, FnArg, spanned::Spanned};

use super::{Func, give_argument};

/// Attributes that register a function.
const ATTRIBUTES: [&str; 4] = ["sync", "action", "on_event", "on_webhook"];

/// Returns the function, or the item with an error if the attribute `what` cannot be applied to it.
pub(super) fn check(mut func: Func, what: &str, example: &str) -> Result<Func, TokenStream> {
    if let Some(receiver) = func.sig.receiver() {
        let message = format!(
            "{what} applies to a function, not to a method: write it outside of the `impl` block, without `self`: \
             `{example}`"
        );
        let error = Error::new(receiver.span(), message);
        return Err(method(func, error));
    }
    let Some(error) = second_attribute(&func, what).or_else(|| entry_point(&func, what)) else { return Ok(func) };
    func.attrs.retain(|attr| !is_registration(attr) && !is_entry_point(attr));
    if func.sig.asyncness.is_none() && is_blocking(&func.body) {
        func.sig.asyncness = Some(syn::parse_quote!(async));
        func.body = quote!({ loop {} });
    }
    Err(func.with_errors(error, &TokenStream::new()))
}

/// Reports a second attribute, at that attribute.
fn second_attribute(func: &Func, what: &str) -> Option<Error> {
    let second = func.attrs.iter().find(|attr| is_registration(attr))?;
    let name = second.path().segments.last()?.ident.to_string();
    let message = format!("a function has one attribute, not {what} and `#[{name}]`: write two functions");
    Some(Error::new(second.path().span(), message))
}

/// Reports `#[tokio::main]` below the attribute, or above it, where it has already replaced the body.
fn entry_point(func: &Func, what: &str) -> Option<Error> {
    let message = format!(
        "a function with {what} is run by the `registry` binary, which has its own runtime: remove `#[tokio::main]` or \
         `#[tokio::test]`"
    );
    if let Some(attr) = func.attrs.iter().find(|attr| is_entry_point(attr)) {
        return Some(Error::new(attr.path().span(), message));
    }
    let replaced = func.sig.asyncness.is_none() && func.has_handle() && is_blocking(&func.body);
    replaced.then(|| Error::new(func.sig.ident.span(), message))
}

fn is_registration(attr: &Attribute) -> bool {
    let path = attr.path();
    let is_ours = path.segments.len() == 1 || path.segments.first().is_some_and(|first| first.ident == "nango_core");
    is_ours && path.segments.last().is_some_and(|last| ATTRIBUTES.iter().any(|name| last.ident == name))
}

fn is_entry_point(attr: &Attribute) -> bool {
    let segments: Vec<String> = attr.path().segments.iter().map(|segment| segment.ident.to_string()).collect();
    matches!(segments.iter().map(String::as_str).collect::<Vec<_>>()[..], ["tokio", "main" | "test"])
}

/// Returns whether the body contains a call of `block_on`.
fn is_blocking(body: &TokenStream) -> bool {
    body.clone().into_iter().any(|tree| match tree {
        TokenTree::Ident(word) => word == "block_on",
        TokenTree::Group(group) => is_blocking(&group.stream()),
        _ => false,
    })
}

/// Returns the method without its body, which uses a handle without declarations. An `impl` block cannot contain the
/// other items.
fn method(mut func: Func, error: Error) -> TokenStream {
    for input in &mut func.sig.inputs {
        if let FnArg::Typed(param) = input {
            give_argument(&mut param.ty, &quote!(()));
        }
    }
    func.body = quote!({ loop {} });
    let error = error.into_compile_error();
    let allow: Attribute = syn::parse_quote_spanned!(Span::call_site()=> #[allow(unused, clippy::all)]);
    quote!(#allow #func #error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_error(item: &str, expect: &[&str], unexpected: &[&str]) {
        let tokens = check(syn::parse_str(item).unwrap(), "`#[action]`", "async fn name()").err().unwrap().to_string();
        assert!(expect.iter().all(|expect| tokens.contains(expect)), "{tokens}");
        assert!(!unexpected.iter().any(|unexpected| tokens.contains(unexpected)), "{tokens}");
    }

    #[test]
    fn method_is_one_error_and_keeps_its_signature() {
        let item = "async fn create(&self, nango: NangoAction, input: Input) -> Result<()> { nango.run(input) }";
        check_error(item, &["not to a method", "NangoAction < () >", "loop { }"], &["mod __create", "nango . run"]);
    }

    #[test]
    fn second_attribute_is_reported_and_removed() {
        let item = "#[sync(model = A)] #[doc(hidden)] async fn create(nango: NangoAction) -> Result<()> {}";
        check_error(item, &["not `#[action]` and `#[sync]`", "hidden"], &["# [sync"]);
        let item = "#[nango_core::on_event(a)] async fn create(nango: NangoAction) -> Result<()> {}";
        check_error(item, &["not `#[action]` and `#[on_event]`"], &["# [nango_core"]);
    }

    #[test]
    fn entry_point_of_a_runtime_is_reported() {
        let below = "#[tokio::main] async fn create(nango: NangoAction) -> Result<()> { a() }";
        check_error(below, &["remove `#[tokio::main]`", "a ()"], &["# [tokio"]);
        let above = "fn create(nango: NangoAction) -> Result<()> { let a = async {}; { runtime().block_on(a) } }";
        check_error(above, &["remove `#[tokio::main]`", "async fn create"], &["block_on"]);
    }

    #[test]
    fn other_attributes_are_kept() {
        let item = "#[other::sync] #[main] #[doc = \"x\"] async fn create(nango: NangoAction) -> Result<()> {}";
        assert_eq!(check(syn::parse_str(item).unwrap(), "`#[action]`", "").ok().unwrap().attrs.len(), 3);
    }
}
