//! Kinds of pagination: `link(…)`, `cursor(…)`, `last_item(…)` and `offset(…)`.

use nango_grammar::json_path;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::LitStr;

use super::values::{check_text, optional_text, path, text};
use crate::args::Args;

const KINDS: [&str; 4] = ["link", "cursor", "offset", "last_item"];

/// Kind of pagination. Expands to a `PaginateKind`.
pub(super) enum Kind {
    Link { rel: Option<LitStr>, path: Option<LitStr> },
    Cursor { name: LitStr, path: LitStr },
    LastItem { name: LitStr, id: LitStr },
    Offset { name: LitStr, start: u64, by: &'static str },
}

impl Kind {
    /// Returns the key that declares the kind.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Link { .. } => "link",
            Self::Cursor { .. } => "cursor",
            Self::LastItem { .. } => "last_item",
            Self::Offset { .. } => "offset",
        }
    }
}

impl ToTokens for Kind {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            Self::Link { rel, path } => {
                let (rel, path) = (optional_text(rel.as_ref()), optional_text(path.as_ref()));
                quote!(__nango::PaginateKind::Link { rel: #rel, path: #path })
            }
            Self::Cursor { name, path } => {
                let (name, path) = (text(name), text(path));
                quote!(__nango::PaginateKind::Cursor { name: #name, path: #path })
            }
            Self::LastItem { name, id } => {
                let (name, id) = (text(name), text(id));
                quote!(__nango::PaginateKind::LastItem { name: #name, id: #id })
            }
            Self::Offset { name, start, by } => {
                let (name, by) = (text(name), Ident::new(by, Span::call_site()));
                quote!(__nango::PaginateKind::Offset { name: #name, start: #start, by: __nango::OffsetBy::#by })
            }
        });
    }
}

/// Returns the first key of a kind.
pub(super) fn kind_key(args: &Args) -> Option<&Ident> {
    args.remaining().iter().map(|arg| &arg.key).find(|key| KINDS.iter().any(|kind| *key == kind))
}

/// Reads and checks the kind. `None` if there is none, or if it is invalid, which is then among the errors.
pub(super) fn kind(args: &mut Args) -> Option<Kind> {
    let kinds: Vec<Ident> = args
        .remaining()
        .iter()
        .filter(|arg| KINDS.iter().any(|kind| arg.key == kind))
        .map(|arg| arg.key.clone())
        .collect();
    if let [first, second, ..] = kinds.as_slice() {
        let message = format!("`{first}` and `{second}` exclude each other: there is one kind of pagination");
        args.errors.push_at(second.span(), message);
    }
    let first = kinds.first()?.to_string();
    let nested = match first.as_str() {
        "link" => args.nested("link", "`link(…)`", &["rel", "path"], "link(rel = \"next\")"),
        "cursor" => {
            args.nested("cursor", "`cursor(…)`", &["name", "path"], "cursor(name = \"after\", path = \"next\")")
        }
        "last_item" => {
            let example = "last_item(name = \"starting_after\", id = \"id\")";
            args.nested("last_item", "`last_item(…)`", &["name", "id"], example)
        }
        _ => args.nested("offset", "`offset(…)`", &["name", "start", "by"], "offset(name = \"skip\")"),
    };
    let (at, mut inner) = nested?;
    let kind = match first.as_str() {
        "link" => Some(link(&mut inner, at)),
        "cursor" => cursor(&mut inner, at),
        "last_item" => last_item(&mut inner, at),
        _ => offset(&mut inner, at),
    };
    args.errors.extend(inner.errors);
    kind
}

fn link(args: &mut Args, at: Span) -> Kind {
    if !args.has("rel") && !args.has("path") && args.errors.is_empty() {
        let message =
            "`link` pagination needs `rel = \"next\"` (the Link header) or `path = \"…\"` (a link in the body)";
        args.errors.push_at(at, message);
    }
    Kind::Link { rel: args.string("rel"), path: path(args, "path") }
}

fn cursor(args: &mut Args, at: Span) -> Option<Kind> {
    let name = required(args, at, "name", "cursor", "the parameter that carries the cursor");
    let path = required(args, at, "path", "cursor", "the path of the next cursor in the response");
    check_text(path.as_ref(), json_path::check, &mut args.errors);
    Some(Kind::Cursor { name: name?, path: path? })
}

fn last_item(args: &mut Args, at: Span) -> Option<Kind> {
    let name = required(args, at, "name", "last_item", "the parameter that carries the last record's value");
    let id = required(args, at, "id", "last_item", "the field of a record that the next request sends, such as `id`");
    check_text(id.as_ref(), json_path::check, &mut args.errors);
    Some(Kind::LastItem { name: name?, id: id? })
}

fn offset(args: &mut Args, at: Span) -> Option<Kind> {
    let name = required(args, at, "name", "offset", "the parameter that carries the offset");
    let start = args.number("start", 0..=u64::MAX).unwrap_or(0);
    let by = args.choice("by", &[("records", "Records"), ("page", "Page")]).unwrap_or("Records");
    Some(Kind::Offset { name: name?, start, by })
}

fn required(args: &mut Args, at: Span, key: &str, kind: &str, meaning: &str) -> Option<LitStr> {
    if !args.has(key) && args.errors.is_empty() {
        args.errors.push_at(at, format!("`{kind}` pagination needs `{key} = \"…\"`, {meaning}"));
    }
    args.string(key)
}
