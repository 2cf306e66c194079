//! Fields and parameters of `nango-core` that have the name of a time and the type of a number.

use proc_macro2::{Spacing, TokenStream, TokenTree};
use quote::ToTokens as _;

use super::modules;
use crate::sources;

/// Returns those outside of the exempt folders, each with the path of its file.
pub(super) fn numbers_of_core(exempt: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources::all(&[".rs"]) {
        let Some(path) = source.path.strip_prefix("nango-core/src/") else { continue };
        if modules::is_test(path) || exempt.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        let file = syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{path}: {error}"));
        for item in file.items.iter().filter(|item| !modules::is_test_item(item)) {
            let mut names = Vec::new();
            collect(item.to_token_stream(), &mut names);
            found.extend(names.into_iter().map(|name| format!("nango-core/src/{path}: {name}")));
        }
    }
    found
}

fn collect(tokens: TokenStream, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => collect(group.stream(), found),
            TokenTree::Ident(name) if is_time(&name.to_string()) && has_type_of_number(&tokens[at + 1..]) => {
                found.push(name.to_string());
            }
            _ => {}
        }
    }
}

fn is_time(name: &str) -> bool {
    let names = ["at", "created", "deleted", "now", "older", "since", "time", "timestamp", "until", "updated"];
    let ends = ["_at", "_since", "_time", "_until"];
    names.contains(&name) || ends.iter().any(|end| name.ends_with(end))
}

/// Returns whether a colon and an `i64` follow, also an optional one or a reference to one.
fn has_type_of_number(tokens: &[TokenTree]) -> bool {
    let [TokenTree::Punct(colon), kind @ ..] = tokens else { return false };
    let mut names = kind.iter().skip_while(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == '&'));
    while let Some(TokenTree::Ident(name)) = names.next() {
        match name.to_string().as_str() {
            "i64" => return colon.as_char() == ':' && colon.spacing() == Spacing::Alone,
            // The next token is the bracket of the argument.
            "Option" | "Patch" | "Vec" => names.next(),
            _ => return false,
        };
    }
    false
}

#[test]
fn number_with_the_name_of_a_time_is_found() {
    let found = |source: &str| {
        let mut found = Vec::new();
        collect(source.parse().unwrap(), &mut found);
        found
    };
    assert_eq!(found("struct Row { started_at: i64, until: Option<i64>, held: i64 }"), ["started_at", "until"]);
    assert_eq!(found("fn is_due(now: &i64, updated: Patch<i64>, at: Timestamp) -> i64 { 0 }"), ["now", "updated"]);
    assert_eq!(found("fn next() { at::i64(); Row { now: 1, updated: None } }"), [""; 0]);
}
