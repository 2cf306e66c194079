//! Signature of a mapper with `each`: `[nango: NangoSync,] parent: &Parent, raw: Raw [, metadata: &Metadata]`.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{Type, spanned::Spanned};

use crate::{args::Errors, each::Each, func::Func};

/// Checks the parameters. A mistake is one error with the signature.
pub(super) fn check(func: &Func, metadata: Option<&Type>, each: &Each, errors: &mut Errors) {
    if let Some((span, problem)) = wrong_parameter(func, metadata) {
        errors.push_at(span, format!("{problem}: {}", signatures(&each.type_name())));
    }
    let (output, span) = func.output();
    if names_children(output) {
        let message = "`Children` is not available with `each`: the records belong to the parent whose list is walked; \
                       return `Vec<Model>`";
        errors.push_at(span, message);
    }
}

fn names_children(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => names_children(group.stream()),
        TokenTree::Ident(ident) => ident == "Children",
        _ => false,
    })
}

/// Returns the signature for messages about the rest of it.
pub(super) fn example(func: &Func, each: &Each) -> String {
    let parent = each.type_name();
    if func.sig.asyncness.is_some() { with_handle(&parent) } else { plain(&parent) }
}

fn plain(parent: &str) -> String {
    format!("fn name(parent: &{parent}, raw: Raw) -> Model")
}

fn with_handle(parent: &str) -> String {
    format!("async fn name(nango: NangoSync, parent: &{parent}, raw: Raw) -> Result<Model>")
}

fn signatures(parent: &str) -> String {
    let (plain, with_handle) = (plain(parent), with_handle(parent));
    format!("write `{plain}` or `{with_handle}`; the metadata follows the record: `metadata: &Metadata`")
}

/// Returns the first mistake and its place.
fn wrong_parameter(func: &Func, metadata: Option<&Type>) -> Option<(Span, String)> {
    let problem = |at: usize, text: &str| Some((func.param_span(at), text.to_owned()));
    let is_async = func.sig.asyncness.is_some();
    let at = usize::from(is_async);
    if is_async && !is_handle_by_value(func) {
        return problem(0, "an async mapper with `each` takes `NangoSync` first, by value");
    }
    if !is_async && func.has_handle() {
        return Some((func.sig.fn_token.span(), "a mapper that takes the handle is async".to_owned()));
    }
    if !func.param(at).is_some_and(is_shared_reference) {
        return problem(at, "a mapper with `each` takes the parent before the record, by reference");
    }
    match func.param(at + 1) {
        Some(Type::Reference(_)) | None => {
            return problem(at + 1, "a mapper with `each` takes the record after the parent, by value");
        }
        Some(_) => {}
    }
    match func.param(at + 2) {
        Some(ty) if !is_shared_reference(ty) => problem(at + 2, "a mapper takes the metadata by reference"),
        Some(_) if metadata.is_none() => {
            problem(at + 2, "a mapper that takes the metadata declares its type, `metadata = YourType`")
        }
        _ if func.arity() > at + 3 => problem(at + 3, "a mapper with `each` takes nothing after the metadata"),
        _ => None,
    }
}

fn is_handle_by_value(func: &Func) -> bool {
    let is_named = |ty: &Type| match ty {
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| last.ident == "NangoSync" && last.arguments.is_none())
        }
        _ => false,
    };
    func.param(0).is_some_and(is_named)
}

fn is_shared_reference(ty: &Type) -> bool {
    matches!(ty, Type::Reference(reference) if reference.mutability.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Args;

    fn messages(item: &str, metadata: bool) -> Vec<String> {
        let func: Func = syn::parse_str(item).unwrap();
        let mut args = Args::parse("`#[sync]`", &["each"], "each = SlackChannel".parse().unwrap());
        let each = Each::validate(&mut args).unwrap();
        let metadata: Option<Type> = metadata.then(|| syn::parse_quote!(Team));
        check(&func, metadata.as_ref(), &each, &mut args.errors);
        match args.errors.or(()) {
            Ok(()) => Vec::new(),
            Err(error) => error.into_iter().map(|error| error.to_string()).collect(),
        }
    }

    #[test]
    fn valid_signature_has_no_error() {
        for (item, metadata) in [
            ("fn f(channel: &SlackChannel, raw: Raw) -> Issue {}", false),
            ("fn f(_: &SlackChannel, Raw { id, .. }: Raw, team: &Team) -> Issue {}", true),
            ("async fn f(nango: NangoSync, channel: &SlackChannel, raw: Raw) -> Result<Issue> {}", false),
            ("async fn f(nango: NangoSync, channel: &SlackChannel, raw: Raw, t: &Team) -> Result<Issue> {}", true),
        ] {
            assert_eq!(messages(item, metadata), [""; 0], "{item}");
        }
    }

    #[test]
    fn wrong_parameters_are_one_error_with_the_signature() {
        #[track_caller]
        fn check(item: &str, expect: &str) {
            let messages = messages(item, false);
            let is_right = |message: &String| {
                message.contains(expect) && message.contains("`fn name(parent: &SlackChannel, raw: Raw) -> Model`")
            };
            assert!(matches!(messages.as_slice(), [message] if is_right(message)), "{item}: {messages:?}");
        }
        check("fn f() -> Issue {}", "takes the parent before the record, by reference");
        check("fn f(raw: Raw) -> Issue {}", "takes the parent before the record, by reference");
        check("fn f(raw: Raw, channel: &SlackChannel) -> Issue {}", "takes the parent before the record");
        check("fn f(channel: &mut SlackChannel, raw: Raw) -> Issue {}", "takes the parent before the record");
        check("fn f(channel: &SlackChannel) -> Issue {}", "takes the record after the parent, by value");
        check("fn f(channel: &SlackChannel, raw: &Raw) -> Issue {}", "takes the record after the parent, by value");
        check("fn f(channel: &SlackChannel, raw: Raw, team: Team) -> Issue {}", "takes the metadata by reference");
        check("fn f(channel: &SlackChannel, raw: Raw, team: &Team) -> Issue {}", "`metadata = YourType`");
        check("fn f(nango: NangoSync, channel: &SlackChannel, raw: Raw) -> Issue {}", "takes the handle is async");
        check("async fn f(channel: &SlackChannel, raw: Raw) -> Result<Issue> {}", "takes `NangoSync` first");
        check("async fn f(nango: &NangoSync, channel: &SlackChannel, raw: Raw) -> Result<Issue> {}", "by value");
        let item = "fn f(channel: &SlackChannel, raw: Raw) -> (Issue, Option<Children<Line>>) {}";
        assert!(messages(item, false)[0].contains("`Children` is not available with `each`"));
        let item = "fn f(channel: &SlackChannel, raw: Raw, team: &Team, more: More) -> Issue {}";
        assert!(messages(item, true)[0].contains("takes nothing after the metadata"));
    }
}
