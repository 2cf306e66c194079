//! Key `error(…)`: errors that an API reports in responses with a success status.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, ExprArray, ExprLit, Lit, LitStr};

use crate::{
    args::{Args, Value},
    paginate,
    parts::option_tokens as option,
};

const KEYS: &[&str] = &["when", "is", "path", "message", "partial", "fatal"];
const FATAL: &str = "fatal = [\"invalid_auth\", \"token_revoked\"]";
const EXAMPLE: &str = "error(when = \"ok\", is = false, message = \"error\")";

/// Error in a successful response. Expands to an `ErrorAt`.
pub(crate) struct ErrorAt {
    path: LitStr,
    /// Value at `path` that means an error.
    is: Option<Lit>,
    message: Option<LitStr>,
    partial: bool,
    /// Messages that fail the run although `each` skips a parent with another error.
    fatal: Vec<LitStr>,
}

impl ErrorAt {
    /// Reads and checks all keys `error(…)`. Invalid ones are among the errors. `has_parents` is whether the mapper
    /// declares `each`.
    pub(crate) fn all(args: &mut Args, has_parents: bool) -> Vec<Self> {
        let mut all = Vec::new();
        while args.has("error") {
            let Some((at, mut inner)) = args.nested("error", "`error(…)`", KEYS, EXAMPLE) else { continue };
            all.extend(validate(&mut inner, at, has_parents));
            args.errors.extend(inner.errors);
        }
        all
    }
}

fn validate(args: &mut Args, at: Span, has_parents: bool) -> Option<ErrorAt> {
    let [has_when, has_is, has_path] = ["when", "is", "path"].map(|key| args.has(key));
    if args.errors.is_empty() {
        match (has_when, has_is, has_path) {
            (true, true, false) | (false, false, true) => {}
            (true, false, false) => args.errors.push_at(
                at,
                format!("`error` with `when` needs `is = false`, the value that means an error: `{EXAMPLE}`"),
            ),
            (false, true, _) => args
                .errors
                .push_at(at, format!("`error` with `is` needs `when = \"ok\"`, the path of the value: `{EXAMPLE}`")),
            (true, _, true) => {
                args.errors.push_at(at, "`when` and `path` exclude each other: `path` needs no value");
            }
            (false, false, false) => args.errors.push_at(
                at,
                format!("`error` needs the path of the error: `{EXAMPLE}` or `error(path = \"errors[0].message\")`"),
            ),
        }
    }
    let is = is(args);
    let when = paginate::path(args, "when");
    let path = paginate::path(args, "path");
    let message = paginate::path(args, "message");
    let partial = args.flag("partial").unwrap_or(false);
    let fatal = fatal(args, partial, has_parents);
    Some(ErrorAt { path: when.or(path)?, is, message, partial, fatal })
}

/// Reads `fatal = ["a", "b"]`.
fn fatal(args: &mut Args, partial: bool, has_parents: bool) -> Vec<LitStr> {
    let Some(arg) = args.take("fatal") else { return Vec::new() };
    let at = arg.key.span();
    if !has_parents {
        let message = "`fatal` needs `each = YourModel`: without parents any declared error fails the run";
        args.errors.push_at(at, message);
    } else if partial {
        let message = "`partial` and `fatal` exclude each other: a partial error never fails the run";
        args.errors.push_at(at, message);
    }
    let usage = format!("`fatal` is a list of messages: `{FATAL}`");
    let tokens = match arg.value {
        Value::Assigned(tokens) => tokens,
        _ => TokenStream::new(),
    };
    let list = syn::parse2::<ExprArray>(tokens).ok().filter(|list| !list.elems.is_empty());
    let texts = list.and_then(|list| list.elems.into_iter().map(text).collect::<Option<Vec<_>>>());
    texts.unwrap_or_else(|| {
        args.errors.push_at(at, usage);
        Vec::new()
    })
}

fn text(element: Expr) -> Option<LitStr> {
    match element {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if !text.value().is_empty() => Some(text),
        _ => None,
    }
}

fn is(args: &mut Args) -> Option<Lit> {
    const USAGE: &str = "`is` is `true`, `false`, a whole number or a string";
    let arg = args.take("is")?;
    let Value::Assigned(tokens) = &arg.value else {
        args.errors.push_at(arg.key.span(), USAGE);
        return None;
    };
    let literal = syn::parse2::<Lit>(tokens.clone());
    let found = literal.ok().filter(|literal| match literal {
        Lit::Int(number) => number.suffix().is_empty() && number.base10_parse::<i64>().is_ok(),
        literal => matches!(literal, Lit::Bool(_) | Lit::Str(_)),
    });
    if found.is_none() {
        let span = tokens.clone().into_iter().next().map_or_else(|| arg.key.span(), |token| token.span());
        args.errors.push_at(span, USAGE);
    }
    found
}

impl ToTokens for ErrorAt {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { path, is, message, partial, fatal } = self;
        let is = option(is.as_ref().map(|is| match is {
            Lit::Bool(value) => quote!(__nango::ErrorValue::Bool(#value)),
            Lit::Int(value) => quote!(__nango::ErrorValue::Number(#value)),
            value => quote!(__nango::ErrorValue::Text(__nango::Cow::Borrowed(#value))),
        }));
        let message = option(message.as_ref().map(|message| quote!(__nango::Cow::Borrowed(#message))));
        tokens.extend(quote! {
            __nango::ErrorAt {
                path: __nango::Cow::Borrowed(#path),
                is: #is,
                message: #message,
                partial: #partial,
                fatal: __nango::Cow::Borrowed(&[#(__nango::Cow::Borrowed(#fatal)),*]),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(input: &str) -> Result<Vec<ErrorAt>, String> {
        let mut args = Args::parse("`#[sync]`", &["error"], input.parse().unwrap());
        let errors = ErrorAt::all(&mut args, true);
        args.errors.or(()).map_err(|error| error.to_string())?;
        Ok(errors)
    }

    #[test]
    fn error_is_a_value_or_a_path() {
        let got = errors(
            "error(when = \"ok\", is = false, message = \"error\"), error(path = \"errors[0].message\", partial)",
        )
        .unwrap();
        let got: Vec<_> = got.iter().map(|error| (error.path.value(), error.is.is_some(), error.partial)).collect();
        assert_eq!(got, [("ok".to_owned(), true, false), ("errors[0].message".to_owned(), false, true)]);
        for is in ["true", "7", "\"failed\""] {
            assert!(errors(&format!("error(when = \"a\", is = {is})")).is_ok(), "{is}");
        }
        let fatal = &errors("error(path = \"error\", fatal = [\"a\", \"b\",])").unwrap()[0].fatal;
        assert_eq!(fatal.iter().map(LitStr::value).collect::<Vec<_>>(), ["a", "b"]);
        assert!(errors("").unwrap().is_empty());
    }

    #[test]
    fn invalid_error_is_reported() {
        let check = |input: &str, expect: &str| {
            let error = errors(&format!("error({input})")).err().unwrap();
            assert!(error.contains(expect), "{input}: {error}");
        };
        check("", "`error` needs the path of the error");
        check("message = \"error\"", "`error` needs the path of the error");
        check("when = \"ok\"", "needs `is = false`");
        check("is = false", "needs `when = \"ok\"`");
        check("when = \"ok\", is = false, path = \"error\"", "exclude each other");
        check("when = \"ok\", is = 1.5", "`is` is `true`, `false`, a whole number or a string");
        check("when = \"ok\", is = ok", "`is` is `true`, `false`, a whole number or a string");
        check("path = \"a..b\"", "`a..b` is not a path such as");
        check("path = \"errors.*\"", "selects several values");
        for list in ["fatal", "fatal = \"a\"", "fatal(\"a\")", "fatal = []", "fatal = [1]", "fatal = [\"\"]"] {
            check(&format!("path = \"a\", {list}"), "`fatal` is a list of messages");
        }
        check("path = \"a\", partial, fatal = [\"b\"]", "`partial` and `fatal` exclude each other");
        check("at = \"errors\"", "here it is `path = \"errors\"`");
    }
}
