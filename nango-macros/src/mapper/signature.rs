//! Signature of a mapper: `[nango: NangoSync,] raw: Raw [, metadata: &Metadata]`, in this order.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{GenericArgument, PathArguments, PathSegment, ReturnType, Type, TypeTuple, spanned::Spanned};

use super::each_signature;
use crate::{args::Errors, each::Each, func::Func};

const WHAT: &str = "a mapper";
const PLAIN: &str = "fn name(raw: Raw) -> Model";
const PLAIN_WITH: &str = "fn name(raw: Raw, metadata: &Metadata) -> Model";
const ASYNC: &str = "async fn name(nango: NangoSync, raw: Raw) -> Result<Model>";
const FORMS: &str = "`Model`, `Option<Model>`, `Vec<Model>`, `Change<Model>`, `Vec<Change<Model>>`, `Children<Model>`";
const ASYNC_WITH: &str = "async fn name(nango: NangoSync, raw: Raw, metadata: &Metadata) -> Result<Model>";

/// Checks the parameters and the form of the return type. Wrong parameters are one error. `models` is the number of
/// declared models.
pub(super) fn check(func: &Func, metadata: Option<&Type>, each: Option<&Each>, models: usize, errors: &mut Errors) {
    let is_async = func.sig.asyncness.is_some();
    if let Some(each) = each {
        func.check(WHAT, &each_signature::example(func, each), false, errors);
        each_signature::check(func, metadata, each, errors);
        return check_output(func, usize::from(is_async) + 1, models, errors);
    }
    func.check(WHAT, if is_async { ASYNC } else { PLAIN }, false, errors);
    if is_async && func.arity() > 1 {
        let before = std::mem::take(errors);
        func.check_handle("NangoSync", "an async mapper", ASYNC, errors);
        let is_wrong = !errors.is_empty();
        let handle = std::mem::replace(errors, before);
        errors.extend(handle);
        if is_wrong {
            return check_output(func, 1, models, errors);
        }
    }
    if let Some((span, message)) = wrong_parameter(func, is_async, metadata) {
        errors.push_at(span, message);
    }
    check_output(func, usize::from(is_async), models, errors);
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

fn check_output(func: &Func, raw_at: usize, models: usize, errors: &mut Errors) {
    // An API may send rows as arrays, so a list alone is a valid record.
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
    let ReturnType::Type(_, ty) = &func.sig.output else { return };
    let message = match mapped(ty) {
        // `Result<()>` is the return type of a loop by hand, which is reported with its parameters.
        Type::Tuple(tuple) if tuple.elems.is_empty() && !matches!(**ty, Type::Tuple(_)) => None,
        Type::Tuple(tuple) => wrong_tuple(tuple, models),
        Type::Reference(_) | Type::Array(_) | Type::Slice(_) => {
            Some(format!("a mapper returns {FORMS} or a `Result` of these, not `{}`", ty.to_token_stream()))
        }
        // The name of another type may be an alias of a tuple.
        Type::Path(path) if models > 1 && path.path.segments.last().is_some_and(is_form) => Some(format!(
            "a mapper of several models returns a tuple with a part for each, such as `(Order, Vec<Line>)`, not `{}`",
            ty.to_token_stream()
        )),
        _ => None,
    };
    if let Some(message) = message {
        errors.push_at(ty.span(), message);
    }
}

/// Returns the type of the mapped records: that of the value for a `Result`.
fn mapped(ty: &Type) -> &Type {
    let Type::Path(path) = ty else { return ty };
    match path.path.segments.last() {
        Some(last) if last.ident == "Result" => {
            let PathArguments::AngleBracketed(arguments) = &last.arguments else { return ty };
            let first = arguments.args.first();
            if let Some(GenericArgument::Type(ty)) = first { ty } else { ty }
        }
        _ => ty,
    }
}

/// Returns whether a type is one of the forms for a single model.
fn is_form(last: &PathSegment) -> bool {
    ["Option", "Vec", "Change", "Children"].iter().any(|form| last.ident == form)
}

/// Returns the mistake of a returned tuple, which has a part for each model.
fn wrong_tuple(tuple: &TypeTuple, models: usize) -> Option<String> {
    let (found, parts) = (tuple.to_token_stream(), tuple.elems.len());
    match models {
        // Reported as a missing key.
        0 => None,
        1 if parts < 2 => Some(format!("a mapper returns {FORMS} or a `Result` of these, not `{found}`")),
        1 => Some(format!(
            "a tuple has a part for each of several models, such as `(Order, Vec<Line>)` with `models(\"Order\", \
             \"Line\")`; a mapper of one model returns {FORMS} or a `Result` of these, not `{found}`"
        )),
        _ if parts != models => Some(format!(
            "a mapper of several models returns a tuple with a part for each: `models` declares {models}, and \
             `{found}` has {parts}"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(item: &str, metadata: bool) -> Vec<String> {
        messages_with_models(item, metadata, 1)
    }

    fn messages_with_models(item: &str, metadata: bool, models: usize) -> Vec<String> {
        let func: Func = syn::parse_str(item).unwrap();
        let mut errors = Errors::default();
        let metadata: Option<Type> = metadata.then(|| syn::parse_quote!(Team));
        check(&func, metadata.as_ref(), None, models, &mut errors);
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
        check("fn f(raw: Raw) -> (A, B) {}", "with `models(\"Order\", \"Line\")`");
        check("fn f(raw: Raw) -> Result<(A, B)> {}", "a mapper of one model returns `Model`");
        check("fn f(raw: Raw) -> (A,) {}", "a mapper returns `Model`");
        check("fn f(raw: Raw) -> [A; 2] {}", "a mapper returns `Model`");
        check("fn f<T>(raw: T) -> Issue {}", "cannot be generic");
        check("fn f(raw: Raw) {}", "needs a return type");
    }

    #[test]
    fn tuple_has_a_part_for_each_model() {
        let check = |output: &str, models: usize, expect: &str| {
            let got = messages_with_models(&format!("fn f(raw: Raw) -> {output} {{}}"), false, models);
            let is_expected = if expect.is_empty() { got.is_empty() } else { got.concat().contains(expect) };
            assert!(is_expected, "{output}: {got:?}");
        };
        check("(Order, Vec<Line>)", 2, "");
        check("Result<(Order, Children<Line>), Failure>", 2, "");
        check("(A, B, C, D, E, F, G, H)", 8, "");
        check("(A, B, C)", 2, "`models` declares 2, and `(A , B , C)` has 3");
        check("Result<(A, B)>", 3, "`models` declares 3");
        check("()", 2, "has 0");
        check("Result<Vec<Line>>", 2, "such as `(Order, Vec<Line>)`, not `Result < Vec < Line > >`");
        // An alias may be a tuple; the types are checked by the compiler.
        check("Parts", 2, "");
    }
}
