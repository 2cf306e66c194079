//! Arguments of an attribute: `key`, `key = value` and `key(…)`, separated by commas.
//!
//! Parsing never fails: errors are collected, so that one compilation reports every mistake.

use nango_grammar::suggest;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Error, Expr, Result, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

use crate::typescript;

/// Keys whose value is an expression. It is parsed as one: its end cannot be found by its commas, because `<` and `>`
/// are brackets in types and operators in expressions.
const EXPRESSIONS: [&str; 1] = ["body"];

/// Errors of an attribute, in the order in which they were found.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    pub(crate) fn push_at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.add(Error::new(span, message));
    }

    pub(crate) fn extend(&mut self, other: Self) {
        if let Some(error) = other.0 {
            self.add(error);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns a value if there are no errors, or all errors combined.
    pub(crate) fn or<T>(self, valid: T) -> Result<T> {
        self.0.map_or(Ok(valid), Err)
    }

    /// Returns all errors combined, for a declaration of which a required part is missing.
    pub(crate) fn into_error(self) -> Error {
        self.0.unwrap_or_else(|| Error::new(Span::call_site(), "a required part of the declaration is missing"))
    }

    /// Converts the errors to `compile_error!` invocations; empty if there are none.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.map(Error::into_compile_error).unwrap_or_default()
    }
}

/// Keys that may be given several times.
const REPEATABLE: [&str; 1] = ["error"];

/// Form of an argument: `key`, `key = tokens` or `key(tokens)`.
pub(crate) enum Value {
    Flag,
    Assigned(TokenStream),
    List(TokenStream),
}

/// One argument of an attribute.
pub(crate) struct Arg {
    pub(crate) key: Ident,
    pub(crate) value: Value,
}

/// Arguments that have not been read yet, and the errors so far.
pub(crate) struct Args {
    what: &'static str,
    valid: &'static [&'static str],
    list: Vec<Arg>,
    pub(crate) errors: Errors,
    /// Whether some arguments could not be parsed. A key that seems to be missing may be among them.
    pub(crate) unread: bool,
}

impl Args {
    /// Parses the arguments of the attribute `what`, as named in messages. `valid` are its keys.
    pub(crate) fn parse(what: &'static str, valid: &'static [&'static str], tokens: TokenStream) -> Self {
        let mut args = Self { what, valid, list: Vec::new(), errors: Errors::default(), unread: false };
        if let Err(error) = (|input: ParseStream<'_>| args.read(input)).parse2(tokens) {
            args.errors.add(error);
            args.unread = true;
        }
        args
    }

    fn read(&mut self, input: ParseStream<'_>) -> Result<()> {
        while !input.is_empty() {
            let Ok(key) = input.call(Ident::parse_any) else {
                return Err(input.error(if self.valid.is_empty() {
                    format!("{} takes no arguments", self.what)
                } else {
                    format!("expected `key = value` or `key(…)`\nkeys of {}: {}", self.what, list(self.valid))
                }));
            };
            let value = if input.peek(Token![=]) {
                input.parse::<Token![=]>()?;
                let value = if EXPRESSIONS.iter().any(|name| key == name) && !input.is_empty() {
                    input.parse::<Expr>()?.into_token_stream()
                } else {
                    until_comma(input)?
                };
                if value.is_empty() {
                    return Err(Error::new(key.span(), format!("`{key} =` needs a value")));
                }
                Value::Assigned(value)
            } else if input.peek(syn::token::Paren) {
                let content;
                syn::parenthesized!(content in input);
                Value::List(content.parse()?)
            } else {
                Value::Flag
            };
            self.push(key, value);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }

    fn push(&mut self, mut key: Ident, value: Value) {
        if !self.valid.iter().any(|valid| key == valid) {
            let name = key.to_string();
            let nearest = suggest::nearest(&name, self.valid.iter().copied());
            self.errors.add(self.unknown(&key, nearest));
            // The value is used for the suggested key, so that a missing key is not reported as a second error.
            match nearest {
                Some(meant) if !self.has(meant) => key = Ident::new(meant, key.span()),
                _ => return,
            }
        } else if self.has(&key.to_string()) && !REPEATABLE.iter().any(|repeatable| key == repeatable) {
            return self.errors.push_at(key.span(), format!("`{key}` is given twice"));
        }
        self.list.push(Arg { key, value });
    }

    fn unknown(&self, key: &Ident, nearest: Option<&str>) -> Error {
        let name = key.to_string();
        let hint = match (typescript::rust_equivalent(self.what, &name), nearest) {
            (Some(here), _) => format!(": {here}"),
            (None, Some(nearest)) => format!(", did you mean `{nearest}`?"),
            (None, None) => String::new(),
        };
        let valid = match self.valid {
            [] => format!("{} takes no keys", self.what),
            valid => format!("valid keys: {}", list(valid)),
        };
        Error::new(key.span(), format!("unknown key `{name}` in {}{hint}\n{valid}", self.what))
    }

    /// Returns the name of the attribute in messages.
    pub(crate) fn what(&self) -> &'static str {
        self.what
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.peek(key).is_some()
    }

    /// Returns an argument without taking it.
    pub(crate) fn peek(&self, key: &str) -> Option<&Arg> {
        self.list.iter().find(|arg| arg.key == key)
    }

    /// Returns the arguments that have not been taken yet.
    pub(crate) fn remaining(&self) -> &[Arg] {
        &self.list
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Arg> {
        let at = self.list.iter().position(|arg| arg.key == key)?;
        Some(self.list.remove(at))
    }
}

/// Parses the tokens up to the next comma outside angle brackets.
fn until_comma(input: ParseStream<'_>) -> Result<TokenStream> {
    let mut depth = 0_i32;
    let mut tokens = Vec::new();
    while !(input.is_empty() || depth == 0 && input.peek(Token![,])) {
        if input.peek(Token![<]) {
            depth += 1;
        } else if input.peek(Token![>]) {
            depth -= 1;
        }
        tokens.push(input.parse::<TokenTree>()?);
    }
    Ok(tokens.into_iter().collect())
}

/// Formats a list of names: `` `a`, `b`, `c` ``.
pub(crate) fn list<T: AsRef<str>>(names: &[T]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[&str] = &["model", "frequency", "scopes", "track_deletes", "checkpoint"];

    #[track_caller]
    fn check(input: &str, expect: &[(&str, &str)], errors: &[&str]) {
        let args = Args::parse("`#[sync]`", KEYS, input.parse().unwrap());
        let got: Vec<_> = args
            .list
            .iter()
            .map(|arg| {
                let value = match &arg.value {
                    Value::Flag => String::new(),
                    Value::Assigned(tokens) => tokens.to_string(),
                    Value::List(tokens) => format!("({tokens})"),
                };
                (arg.key.to_string(), value)
            })
            .collect();
        let got: Vec<_> = got.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(got, expect, "{input}");
        let got: Vec<String> = args
            .errors
            .0
            .into_iter()
            .flat_map(IntoIterator::into_iter)
            .map(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(got, errors, "{input}");
    }

    #[test]
    fn argument_is_a_flag_a_value_or_a_list() {
        check(
            "model = \"A\", scopes(\"a\", \"b\"), track_deletes, checkpoint = Map<A, B>,",
            &[
                ("model", "\"A\""),
                ("scopes", "(\"a\" , \"b\")"),
                ("track_deletes", ""),
                ("checkpoint", "Map < A , B >"),
            ],
            &[],
        );
        check("", &[], &[]);
    }

    #[test]
    fn value_of_body_is_one_expression() {
        const KEYS: &[&str] = &["body", "model"];
        for body in ["a > b && c < d", "f::<A, B>(x, y)", "json!({ \"a\": [1, 2] })", "A { b: 1, c }"] {
            let mut args = Args::parse("`#[sync]`", KEYS, format!("body = {body}, model = A").parse().unwrap());
            assert!(args.take("body").is_some() && args.take("model").is_some() && args.errors.is_empty(), "{body}");
        }
        let args = Args::parse("`#[sync]`", KEYS, "body = , model = A".parse().unwrap());
        assert!(args.unread && !args.errors.is_empty());
    }

    #[test]
    fn every_error_is_reported() {
        check(
            "frequncy = \"x\", colour = 3, model = A, model = B, trackDeletes",
            &[("frequency", "\"x\""), ("model", "A"), ("track_deletes", "")],
            &[
                "unknown key `frequncy` in `#[sync]`, did you mean `frequency`?",
                "unknown key `colour` in `#[sync]`",
                "`model` is given twice",
                "unknown key `trackDeletes` in `#[sync]`, did you mean `track_deletes`?",
            ],
        );
        check("runs = \"x\"", &[], &["unknown key `runs` in `#[sync]`: here it is `frequency = \"every hour\"`"]);
        check("\"A\"", &[], &["expected `key = value` or `key(…)`"]);
        check("model =", &[], &["`model =` needs a value"]);
        check("model = A frequency", &[("model", "A frequency")], &[]);
    }
}
