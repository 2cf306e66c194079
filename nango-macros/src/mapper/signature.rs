//! Signature of a mapper: `[nango: NangoSync,] raw: Raw [, metadata: &Metadata]`, in this order.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{ReturnType, Type, spanned::Spanned};

use crate::{args::Errors, func::Func};

const WHAT: &str = "a mapper";
const PLAIN: &str = "fn name(raw: Raw) -> Model";
const PLAIN_WITH: &str = "fn name(raw: Raw, metadata: &Metadata) -> Model";
const ASYNC: &str = "async fn name(nango: NangoSync, raw: Raw) -> Result<Model>";
const ASYNC_WITH: &str = "async fn name(nango: NangoSync, raw: Raw, metadata: &Metadata) -> Result<Model>";

/// Checks the parameters and the form of the return type. Wrong parameters are one error.
pub(super) fn check(func: &Func, metadata: Option<&Type>, errors: &mut Errors) {
    let is_async = func.sig.asyncness.is_some();
    func.check(WHAT, if is_async { ASYNC } else { PLAIN }, false, errors);
    if is_async && func.arity() > 1 {
        let before = std::mem::take(errors);
        func.check_handle("NangoSync", "an async mapper", ASYNC, errors);
        let is_wrong = !errors.is_empty();
        let handle = std::mem::replace(errors, before);
        errors.extend(handle);
        if is_wrong {
            return check_output(func, errors);
        }
    }
    if let Some((span, message)) = wrong_parameter(func, is_async, metadata) {
        errors.push_at(span, message);
    }
    check_output(func, errors);
}

/// Returns the first mistake in the parameters, of which an async mapper's first is known to be the handle.
fn wrong_parameter(func: &Func, is_async: bool, metadata: Option<&Type>) -> Option<(Span, String)> {
    let (raw_at, signature) = if is_async { (1, ASYNC) } else { (0, PLAIN) };
    let with = if is_async { ASYNC_WITH } else { PLAIN_WITH };
    match func.arity() {
        0 => {
            let message = format!("a mapper takes the record as the API sends it: `{PLAIN}`");
            return Some((func.param_span(0), message));
        }
        1 if is_async => {
            let message = format!(
                "with `endpoint` the loop is written for you, and the function maps one record: `{PLAIN}`, or `{ASYNC}`"
            );
            return Some((func.sig.ident.span(), message));
        }
        2.. if !is_async && func.has_handle() => {
            let message = format!("a mapper that takes the handle is async: `{ASYNC}`");
            return Some((func.sig.fn_token.span(), message));
        }
        _ => {}
    }
    if let Some(at) = (1..func.arity()).find(|at| func.is_handle_at(*at)) {
        let message = format!("a mapper that takes the handle is async, and takes it first, by value: `{ASYNC}`");
        return Some((func.param_span(at), message));
    }
    if let Some(Type::Reference(reference)) = func.param(raw_at) {
        let message =
            format!("a mapper takes the record by value, and the metadata after it: `{signature}`, or `{with}`");
        return Some((reference.span(), message));
    }
    if func.arity() > raw_at + 2 {
        let message =
            format!("a mapper takes the record, and at most the metadata after it: `{signature}`, or `{with}`");
        return Some((func.param_span(raw_at + 2), message));
    }
    let (span, ty) = (func.param_span(raw_at + 1), func.param(raw_at + 1)?);
    match ty {
        Type::Reference(reference) if reference.mutability.is_none() => {
            let ty = reference.elem.to_token_stream().to_string().replace(' ', "");
            metadata.is_none().then(|| {
                let message = format!("a mapper that takes the metadata declares its type: add `metadata = {ty}`");
                (span, message)
            })
        }
        _ => {
            let message =
                format!("a mapper takes one record, and at most the metadata by reference: `{signature}`, or `{with}`");
            Some((span, message))
        }
    }
}

fn is_list(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Vec"))
}

fn check_output(func: &Func, errors: &mut Errors) {
    // An API may send rows as arrays, so a list alone is a valid record.
    let raw_at = usize::from(func.sig.asyncness.is_some());
    if let (Some(raw), ReturnType::Type(_, returned)) = (func.param(raw_at), &func.sig.output)
        && is_list(raw)
        && is_list(returned)
    {
        let message = format!(
            "a mapper takes one record, not the list of a page: `{PLAIN}`\nif the list is inside of the response, name \
             its path: `paginate(response_path = \"data.items\")`"
        );
        errors.push_at(raw.span(), message);
    }
    if let ReturnType::Type(_, ty) = &func.sig.output
        && matches!(**ty, Type::Tuple(_) | Type::Reference(_) | Type::Array(_) | Type::Slice(_))
    {
        let found = ty.to_token_stream();
        let message = format!(
            "a mapper returns `Model`, `Option<Model>`, `Vec<Model>`, `Change<Model>`, `Vec<Change<Model>>` or a \
             `Result` of these, not `{found}`"
        );
        errors.push_at(ty.span(), message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(item: &str, metadata: bool) -> Vec<String> {
        let func: Func = syn::parse_str(item).unwrap();
        let mut errors = Errors::default();
        let metadata: Option<Type> = metadata.then(|| syn::parse_quote!(Team));
        check(&func, metadata.as_ref(), &mut errors);
        match errors.or(()) {
            Ok(()) => Vec::new(),
            Err(error) => error.into_iter().map(|error| error.to_string()).collect(),
        }
    }

    #[test]
    fn valid_signature_has_no_error() {
        for (item, metadata) in [
            ("fn f(raw: Raw) -> Issue {}", false),
            ("fn f(Raw { id, .. }: Raw) -> Change<Issue> {}", true),
            ("fn f(raw: Raw, metadata: &Team) -> Vec<Issue> {}", true),
            ("async fn f(nango: NangoSync, raw: Raw) -> Result<Issue> {}", false),
            ("async fn f(nango: NangoSync, raw: Raw, team: &Team) -> Result<Issue> {}", true),
        ] {
            assert_eq!(messages(item, metadata), [""; 0], "{item}");
        }
    }

    #[test]
    fn wrong_parameters_are_one_error_with_the_valid_signature() {
        #[track_caller]
        fn check(item: &str, expect: &str) {
            let messages = messages(item, false);
            assert!(matches!(messages.as_slice(), [message] if message.contains(expect)), "{item}: {messages:?}");
        }
        check("fn f() -> Issue {}", "takes the record as the API sends it: `fn name(raw: Raw) -> Model`");
        check("fn f(nango: NangoSync, raw: Raw) -> Issue {}", "a mapper that takes the handle is async");
        check("fn f(nango: NangoSync, raw: Raw, m: &Team) -> Issue {}", "a mapper that takes the handle is async");
        check("async fn f(raw: Raw) -> Result<Issue> {}", "the loop is written for you");
        check("async fn f(nango: NangoAction, raw: Raw) -> Result<Issue> {}", "takes `NangoSync` first");
        check("async fn f(raw: Raw, nango: NangoSync) -> Result<Issue> {}", "takes `NangoSync` first, found `Raw`");
        check("async fn f(raw: Raw, m: &Team) -> Result<Issue> {}", "takes `NangoSync` first, found `Raw`");
        check("async fn f(nango: NangoSync, m: &Team, raw: Raw) -> Result<Issue> {}", "takes the record by value");
        check("fn f(raw: Raw, nango: &NangoSync) -> Issue {}", "takes it first, by value: `async fn name(nango");
        check("fn f(m: &Team, raw: Raw) -> Issue {}", "takes the record by value, and the metadata after it");
        check("fn f(raw: &Raw) -> Issue {}", "takes the record by value");
        check("fn f(a: A, b: B) -> Issue {}", "at most the metadata by reference: `fn name(raw: Raw) -> Model`, or");
        check("fn f(raw: Raw, m: &mut Team) -> Issue {}", "at most the metadata by reference");
        check("fn f(a: A, b: &B, c: C) -> Issue {}", "at most the metadata after it");
        check("fn f(raw: Raw, m: &Team) -> Issue {}", "add `metadata = Team`");
        check("fn f(raw: Vec<Raw>) -> Vec<Issue> {}", "takes one record, not the list of a page");
        check("fn f(raw: Raw) -> (A, B) {}", "a mapper returns `Model`");
        check("fn f<T>(raw: T) -> Issue {}", "cannot be generic");
        check("fn f(raw: Raw) {}", "needs a return type");
    }
}
