//! The string literals in the code of `nango-core`. Documentation and code under `cfg(test)` are left out.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;

use super::modules;
use crate::sources;

/// A string literal of the library.
pub(super) struct Literal {
    /// Path of its file below `nango-core/src`.
    pub(super) path: String,
    pub(super) text: String,
}

/// Returns all literals in the order of the source.
pub(super) fn of_core() -> Vec<Literal> {
    let mut found = Vec::new();
    for source in sources::all(&[".rs"]) {
        let Some(path) = source.path.strip_prefix("nango-core/src/") else { continue };
        if modules::is_test(path) {
            continue;
        }
        let file = syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{path}: {error}"));
        for item in file.items.iter().filter(|item| !modules::is_test_item(item)) {
            collect(path, item.to_token_stream(), &mut found);
        }
    }
    assert!(found.len() > 1000, "{} literals were found", found.len());
    found
}

fn collect(path: &str, tokens: TokenStream, found: &mut Vec<Literal>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                tokens.next_if(is_documentation);
            }
            TokenTree::Group(group) => collect(path, group.stream(), found),
            TokenTree::Literal(literal) => {
                if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                    found.push(Literal { path: path.to_owned(), text: text.value() });
                }
            }
            _ => {}
        }
    }
}

fn is_documentation(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}
