//! Typed values of arguments. A value of the wrong type is reported at the value, and treated as missing.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{
    Error, Lit, LitBool, LitInt, LitStr, Path, Result, Token, Type,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
    spanned::Spanned,
};

use crate::args::{Arg, Args, Value, list};

impl Args {
    fn read_as<T>(&mut self, key: &str, read: impl FnOnce(&Arg) -> Result<T>) -> Option<T> {
        let arg = self.take(key)?;
        read(&arg).map_err(|error| self.errors.add(error)).ok()
    }

    /// Reads `key = "text"`, which must not be empty.
    pub(crate) fn string(&mut self, key: &str) -> Option<LitStr> {
        let arg = self.take(key)?;
        self.text(&arg)
    }

    /// Reads the string of an argument that has already been taken.
    pub(crate) fn text(&mut self, arg: &Arg) -> Option<LitStr> {
        string(arg).map_err(|error| self.errors.add(error)).ok()
    }

    /// Reads `key = "one"`, one of the names in `choices`. Returns the value of the choice.
    pub(crate) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.string(key)?;
        let value = text.value();
        let found = choices.iter().find(|(name, _)| *name == value);
        if found.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            self.errors.push_at(text.span(), format!("`{key}` is {}, not \"{value}\"", one_of(&names)));
        }
        found.map(|(_, value)| *value)
    }

    /// Reads `key = 100`, within `range`.
    pub(crate) fn number(&mut self, key: &str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        self.read_as(key, |arg| {
            let key = &arg.key;
            let usage = format!("`{key}` is a number: `{key} = {}`", range.start().max(&2));
            let number: LitInt = match &arg.value {
                Value::Assigned(tokens) => {
                    syn::parse2(tokens.clone()).map_err(|error| Error::new(error.span(), &usage))?
                }
                _ => return Err(Error::new(key.span(), usage)),
            };
            number.base10_parse().ok().filter(|value| range.contains(value)).ok_or_else(|| {
                let (from, to) = (range.start(), range.end());
                let message = if *to >= u64::from(u32::MAX) {
                    format!("`{key}` is a whole number, at least {from}")
                } else {
                    format!("`{key}` is a whole number from {from} to {to}")
                };
                Error::new(number.span(), message)
            })
        })
    }

    /// Reads a [`Self::number`] of 32 bits.
    pub(crate) fn number32(&mut self, key: &str, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let value = self.number(key, u64::from(*range.start())..=u64::from(*range.end()))?;
        u32::try_from(value).ok()
    }

    /// Reads `key(400, 404)`: at least one number, each within `range`. `example` is used in error messages.
    pub(crate) fn numbers(&mut self, key: &str, range: std::ops::RangeInclusive<u16>, example: &str) -> Vec<u16> {
        let read = |arg: &Arg| {
            let usage = format!("`{key}` is a list of numbers: `{example}`");
            let tokens = match &arg.value {
                Value::List(tokens) if !tokens.is_empty() => tokens.clone(),
                _ => return Err(Error::new(arg.key.span(), usage)),
            };
            let all = Punctuated::<LitInt, Token![,]>::parse_terminated
                .parse2(tokens)
                .map_err(|error| Error::new(error.span(), usage))?;
            let read = |number: &LitInt| {
                let (from, to) = (range.start(), range.end());
                number.base10_parse().ok().filter(|value| range.contains(value)).ok_or_else(|| {
                    Error::new(number.span(), format!("`{key}` has numbers from {from} to {to}, not {number}"))
                })
            };
            all.iter().map(read).collect()
        };
        self.read_as(key, read).unwrap_or_default()
    }

    /// Reads `key`, `key = true` or `key = false`.
    pub(crate) fn flag(&mut self, key: &str) -> Option<bool> {
        self.read_as(key, |arg| {
            let usage = format!("`{0}` is a switch: `{0}`, `{0} = true` or `{0} = false`", arg.key);
            match &arg.value {
                Value::Flag => Ok(true),
                Value::Assigned(tokens) => {
                    let value: LitBool =
                        syn::parse2(tokens.clone()).map_err(|error| Error::new(error.span(), usage))?;
                    Ok(value.value)
                }
                Value::List(_) => Err(Error::new(arg.key.span(), usage)),
            }
        })
    }

    /// Reads `key = Type` or `key = "Type"`.
    pub(crate) fn ty(&mut self, key: &str) -> Option<Type> {
        self.read_as(key, ty)
    }

    /// Returns the type of `key` without taking it; `None` if it is missing or invalid.
    pub(crate) fn peek_ty(&self, key: &str) -> Option<Type> {
        self.peek(key).and_then(|arg| ty(arg).ok())
    }

    /// Reads `key("a", "b")`: at least one string.
    pub(crate) fn strings(&mut self, key: &str) -> Vec<LitStr> {
        let read = |arg: &Arg| {
            let usage = format!("`{0}` is a list of strings: `{0}(\"a\", \"b\")`", arg.key);
            let tokens = match &arg.value {
                Value::Assigned(tokens) | Value::List(tokens) if !tokens.is_empty() => tokens.clone(),
                _ => return Err(Error::new(arg.key.span(), usage)),
            };
            let all = Punctuated::<LitStr, Token![,]>::parse_terminated
                .parse2(tokens)
                .map_err(|error| Error::new(error.span(), usage))?;
            Ok(all.into_iter().collect())
        };
        self.read_as(key, read).unwrap_or_default()
    }

    /// Reads `model = "A"`, `model = path::A` or `models("A", B)`. One of the keys is required; if it is missing, the
    /// error is reported at the attribute.
    pub(crate) fn models(&mut self) -> Vec<Path> {
        let arg = match (self.take("model"), self.take("models")) {
            (Some(arg), None) | (None, Some(arg)) => arg,
            (Some(_), Some(both)) => {
                let message = "`model` and `models` exclude each other: put all of them into `models(…)`";
                self.errors.push_at(both.key.span(), message);
                return Vec::new();
            }
            (None, None) if self.unread => return Vec::new(),
            (None, None) => {
                let message = format!("{} needs `model = \"YourModel\"` (or `models(\"A\", \"B\")`)", self.what());
                self.errors.push_at(Span::call_site(), message);
                return Vec::new();
            }
        };
        let usage = if arg.key == "model" { "`model = \"YourModel\"`" } else { "`models(\"A\", \"B\")`" };
        let read = match arg.value {
            Value::Assigned(tokens) | Value::List(tokens) if !tokens.is_empty() => {
                Punctuated::<ModelPath, Token![,]>::parse_terminated.parse2(tokens)
            }
            _ => Err(Error::new(arg.key.span(), format!("`{}` needs the name of a struct: {usage}", arg.key))),
        };
        let all = read.map_err(|error| self.errors.add(error)).unwrap_or_default();
        let mut seen = Vec::new();
        let mut paths = Vec::new();
        for ModelPath(path) in all {
            let text = path.to_token_stream().to_string();
            if seen.contains(&text) {
                self.errors.push_at(path.span(), "this model is listed twice");
            } else {
                seen.push(text);
                paths.push(path);
            }
        }
        paths
    }

    /// Reads the arguments of `key(…)`; `key` alone has none. `key = …` is an error.
    pub(crate) fn nested(
        &mut self,
        key: &str,
        what: &'static str,
        valid: &'static [&'static str],
        example: &str,
    ) -> Option<(Span, Args)> {
        let arg = self.take(key)?;
        match arg.value {
            Value::List(tokens) => Some((arg.key.span(), Args::parse(what, valid, tokens))),
            Value::Flag => Some((arg.key.span(), Args::parse(what, valid, proc_macro2::TokenStream::new()))),
            Value::Assigned(_) => {
                let keys = list(valid);
                self.errors
                    .push_at(arg.key.span(), format!("`{key}` takes its keys in brackets: `{example}`\nkeys: {keys}"));
                None
            }
        }
    }
}

/// Formats a list of choices: `"a", "b" or "c"`.
fn one_of(names: &[String]) -> String {
    match names {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        _ => names.concat(),
    }
}

/// Reads the string of an argument, which must not be empty.
pub(crate) fn string(arg: &Arg) -> Result<LitStr> {
    let key = &arg.key;
    let usage = format!("`{key}` is a string: `{key} = \"…\"`");
    let Value::Assigned(tokens) = &arg.value else { return Err(Error::new(key.span(), usage)) };
    let text: LitStr = syn::parse2(tokens.clone()).map_err(|error| Error::new(error.span(), usage))?;
    if text.value().trim().is_empty() {
        return Err(Error::new(text.span(), format!("`{key}` is empty")));
    }
    Ok(text)
}

fn ty(arg: &Arg) -> Result<Type> {
    let usage = format!("`{0}` is a type: `{0} = YourType`", arg.key);
    let Value::Assigned(tokens) = &arg.value else { return Err(Error::new(arg.key.span(), usage)) };
    match syn::parse2::<LitStr>(tokens.clone()) {
        Ok(text) => text.parse().map_err(|_| Error::new(text.span(), usage)),
        Err(_) => syn::parse2(tokens.clone()).map_err(|error| Error::new(error.span(), usage)),
    }
}

/// Path of a model, written as a path or a string. A path from a string has the span of the string.
struct ModelPath(Path);

impl Parse for ModelPath {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            let text: LitStr = input.parse()?;
            return text.parse_with(Path::parse_mod_style).map(Self).map_err(|_| {
                let message = format!(
                    "`{}` is not the name of a struct: write a Rust identifier or path, such as \"GithubIssue\"",
                    text.value()
                );
                Error::new(text.span(), message)
            });
        }
        let usage = "a model is a string or a path: `model = \"GithubIssue\"`";
        if input.peek(Lit) {
            return Err(input.error(usage));
        }
        input.call(Path::parse_mod_style).map(Self).map_err(|error| Error::new(error.span(), usage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(input: &str) -> Args {
        const KEYS: &[&str] = &["text", "number", "numbers", "flag", "ty", "strings", "choice", "model", "models"];
        Args::parse("`#[sync]`", KEYS, input.parse().unwrap())
    }

    #[track_caller]
    fn check<T: PartialEq + std::fmt::Debug>(input: &str, read: impl Fn(&mut Args) -> T, expect: &T, error: &str) {
        let mut args = args(input);
        assert_eq!(&read(&mut args), expect, "{input}");
        let messages = args.errors.into_tokens().to_string();
        assert!(if error.is_empty() { messages.is_empty() } else { messages.contains(error) }, "{input}: {messages}");
    }

    #[test]
    fn value_of_the_wrong_kind_is_an_error() {
        let text = |args: &mut Args| args.string("text").map(|text| text.value());
        check("text = \"a\"", text, &Some("a".into()), "");
        check("text = 3", text, &None, "`text` is a string");
        check("text", text, &None, "`text` is a string");
        check("text = \" \"", text, &None, "`text` is empty");

        let number = |args: &mut Args| args.number("number", 1..=10);
        check("number = 10", number, &Some(10), "");
        check("number = 0", number, &None, "a whole number from 1 to 10");
        check("number = -1", number, &None, "a whole number from 1 to 10");
        check("number = \"1\"", number, &None, "`number` is a number");

        let numbers = |args: &mut Args| args.numbers("numbers", 400..=499, "numbers(404)");
        check("numbers(400, 404,)", numbers, &vec![400, 404], "");
        check("numbers = 404", numbers, &vec![], "`numbers` is a list of numbers: `numbers(404)`");
        check("numbers()", numbers, &vec![], "is a list of numbers");
        check("numbers(\"404\")", numbers, &vec![], "is a list of numbers");
        check("numbers(404, 500)", numbers, &vec![], "from 400 to 499, not 500");

        let flag = |args: &mut Args| args.flag("flag");
        check("flag", flag, &Some(true), "");
        check("flag = false", flag, &Some(false), "");
        check("flag = 0", flag, &None, "is a switch");
        check("flag(a)", flag, &None, "is a switch");

        let choice = |args: &mut Args| args.choice("choice", &[("newer", 1), ("override", 2)]);
        check("choice = \"override\"", choice, &Some(2), "");
        check("choice = \"older\"", choice, &None, "not \\\"older\\\"");
    }

    #[test]
    fn models_are_paths_or_strings() {
        let models = |args: &mut Args| args.models().len();
        check("model = \"crate::A\"", models, &1, "");
        check("models(A, \"b::B\")", models, &2, "");
        check("models(A, \"A\")", models, &1, "listed twice");
        check("model = \"Github Issue\"", models, &0, "is not the name of a struct");
        check("model = 3", models, &0, "a model is a string or a path");
        check("model = A, models(B)", models, &0, "exclude each other");
        check("models()", models, &0, "needs the name of a struct");
        check("", models, &0, "needs `model");
    }
}
