//! The entry of all attributes: the path of the runtime crate, the expansion, and its output for debugging.
//!
//! Expansions name the runtime crate with a placeholder. The last step replaces it with `::nango_core`, or with the
//! path of the argument `crate = path`, so that renamed dependencies and facade crates work. User code is not changed.

use std::env;

use proc_macro2::{Group, Literal, TokenStream, TokenTree};
use quote::quote;
use syn::{Error, Path, parse::Parser as _};

use crate::args::Errors;

/// Name of the runtime crate in expansions, behind `::`.
const PLACEHOLDER: &str = "__nango_core";

/// If this environment variable is `1`, each expansion is printed on stderr while the crate compiles.
const DEBUG_VARIABLE: &str = "NANGO_MACROS_DEBUG";

/// Expands the attribute `name` with its arguments.
pub(crate) fn attribute(
    name: &str,
    args: TokenStream,
    item: &TokenStream,
    expand: fn(TokenStream, &TokenStream) -> TokenStream,
) -> TokenStream {
    let (root, args) = take_root(args);
    finish(&format!("#[{name}]"), root, || expand(args, item))
}

/// Expands the function-like macro `name`.
pub(crate) fn function(name: &str, input: TokenStream, expand: fn(TokenStream) -> TokenStream) -> TokenStream {
    let (root, input) = take_root(input);
    finish(&format!("{name}!"), root, || expand(input))
}

fn finish(name: &str, root: Result<TokenStream, Error>, expand: impl FnOnce() -> TokenStream) -> TokenStream {
    let (root, errors) = match root {
        Ok(root) => (root, TokenStream::new()),
        Err(error) => {
            let mut errors = Errors::default();
            errors.add(error);
            (quote!(::nango_core), errors.into_tokens())
        }
    };
    let expanded = with_root(expand(), &root);
    if env::var(DEBUG_VARIABLE).is_ok_and(|value| value == "1") {
        print(name, &expanded);
    }
    quote!(#expanded #errors)
}

#[expect(clippy::print_stderr, reason = "the output that the variable requests")]
fn print(name: &str, expanded: &TokenStream) {
    eprintln!("// {name}\n{expanded}\n");
}

/// Takes the argument `crate = path` out of the arguments of an attribute.
fn take_root(args: TokenStream) -> (Result<TokenStream, Error>, TokenStream) {
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    let tokens: Vec<TokenTree> = args.into_iter().collect();
    let mut root = Ok(quote!(::nango_core));
    let mut others: Vec<&[TokenTree]> = Vec::new();
    for argument in tokens.split(is_comma) {
        match argument {
            [TokenTree::Ident(key), TokenTree::Punct(equals), path @ ..]
                if *key == "crate" && equals.as_char() == '=' =>
            {
                let path: TokenStream = path.iter().cloned().collect();
                root = Path::parse_mod_style.parse2(path).map(|path| quote!(#path)).map_err(|error| {
                    Error::new(error.span(), "`crate` needs a path, such as `crate = my_facade::nango`")
                });
            }
            other => others.push(other),
        }
    }
    let args = others.into_iter().enumerate().flat_map(|(at, argument)| {
        let comma = (at > 0).then(|| quote!(,));
        comma.into_iter().flatten().chain(argument.iter().cloned())
    });
    (root, args.collect())
}

/// Replaces the placeholder in paths and in the strings of `#[serde(crate = "…")]`.
fn with_root(tokens: TokenStream, root: &TokenStream) -> TokenStream {
    replaced(tokens.clone(), root).unwrap_or(tokens)
}

/// Returns the tokens with the placeholder replaced, or `None` if they do not contain it: a group that is built again
/// loses the spans of its delimiters.
fn replaced(tokens: TokenStream, root: &TokenStream) -> Option<TokenStream> {
    let mut result: Vec<TokenTree> = Vec::new();
    let mut changed = false;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if ident == PLACEHOLDER => {
                changed = true;
                // The two colons in front belong to the placeholder.
                result.truncate(result.len().saturating_sub(2));
                result.extend(root.clone().into_iter().map(|mut token| {
                    token.set_span(ident.span());
                    token
                }));
            }
            TokenTree::Literal(literal) => {
                let new = literal_with_root(&literal, root);
                changed |= new.is_some();
                result.push(TokenTree::Literal(new.unwrap_or(literal)));
            }
            TokenTree::Group(group) => {
                let new = replaced(group.stream(), root).map(|stream| {
                    let mut new = Group::new(group.delimiter(), stream);
                    new.set_span(group.span());
                    new
                });
                changed |= new.is_some();
                result.push(TokenTree::Group(new.unwrap_or(group)));
            }
            other @ (TokenTree::Ident(_) | TokenTree::Punct(_)) => result.push(other),
        }
    }
    changed.then(|| result.into_iter().collect())
}

fn literal_with_root(literal: &Literal, root: &TokenStream) -> Option<Literal> {
    let text = literal.to_string();
    let rest = text.strip_prefix("\"::__nango_core")?;
    let root = root.to_string().replace(' ', "");
    let mut new = Literal::string(&format!("{root}{}", rest.trim_end_matches('"')));
    new.set_span(literal.span());
    Some(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(args: &str, expect: &str) {
        let expand = |args: TokenStream, item: &TokenStream| quote!(#args; #item ::__nango_core::a(::nango_core::b, "::__nango_core::c"));
        let item = "::nango_core".parse().unwrap();
        let got = attribute("sync", args.parse().unwrap(), &item, expand).to_string();
        assert_eq!(got, expect.parse::<TokenStream>().unwrap().to_string(), "{args}");
    }

    #[test]
    fn runtime_crate_is_the_given_path_or_the_default() {
        check("a = 1", r#"a = 1; ::nango_core ::nango_core::a(::nango_core::b, "::nango_core::c")"#);
        check("crate = x::y, a = 1", r#"a = 1; ::nango_core x::y::a(::nango_core::b, "x::y::c")"#);
        check("a(b, c), crate = ::z", r#"a(b, c); ::nango_core ::z::a(::nango_core::b, "::z::c")"#);
    }

    #[test]
    fn runtime_crate_without_a_path_is_an_error() {
        let tokens = attribute("sync", quote!(crate = "x"), &quote!(), |_, _| quote!()).to_string();
        assert!(tokens.contains("`crate` needs a path"), "{tokens}");
    }
}
