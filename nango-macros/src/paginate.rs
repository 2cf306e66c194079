//! Key `paginate(…)`: how a mapper finds the next page. Expands to a `Paginate` constant, the type that functions also
//! use.

use nango_grammar::flag_names::{names_last_page_flag, names_more_flag};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::LitStr;

use crate::{args::Args, parts};

const KINDS: [&str; 4] = ["link", "cursor", "offset", "last_item"];
const KEYS: &[&str] = &[
    "link",
    "cursor",
    "offset",
    "last_item",
    "limit",
    "limit_name",
    "response_path",
    "has_more",
    "is_last",
    "total",
    "total_pages",
    "null_is_empty",
    "end_status",
    "pagination",
    "in_body",
];
const EXAMPLE: &str = "paginate(link(rel = \"next\"), limit = 100)";

/// Returns the `Paginate` of a mapper's descriptor, if it has one. Without a kind, the provider's entry decides.
pub(crate) fn expand(args: &mut Args) -> Option<TokenStream> {
    let (_, mut inner) = args.nested("paginate", "`paginate(…)`", KEYS, EXAMPLE)?;
    let kind = parts::option_tokens(kind(&mut inner));
    let has_limit = inner.has("limit");
    let limit = parts::option_tokens(inner.number32("limit", 1..=u32::MAX));
    let limit_name = inner.string("limit_name");
    if let (false, Some(name)) = (has_limit, &limit_name) {
        inner.errors.push_at(name.span(), "`limit_name` needs `limit = 100`, the number that it carries");
    }
    let limit_name = parts::option_tokens(limit_name.as_ref().map(text));
    let [response_path, total, total_pages] =
        ["response_path", "total", "total_pages"].map(|key| parts::option_tokens(inner.string(key).as_ref().map(text)));
    let has_more = more(&mut inner, "has_more", names_last_page_flag, "is_last");
    let is_last = more(&mut inner, "is_last", names_more_flag, "has_more");
    let null_is_empty = parts::option_tokens(inner.flag("null_is_empty"));
    let end_status = parts::option_tokens(end_status(&mut inner));
    let pagination = inner.choice("pagination", &[("token", "Token"), ("position", "Position")]);
    let pagination = parts::option_tokens(pagination.map(|kind| {
        let kind = Ident::new(kind, Span::call_site());
        quote!(__nango::Pagination::#kind)
    }));
    let in_body = parts::option_tokens(inner.flag("in_body"));
    args.errors.extend(inner.errors);
    Some(quote! {
        __nango::Paginate {
            kind: #kind,
            limit: #limit,
            limit_name: #limit_name,
            response_path: #response_path,
            has_more: #has_more,
            is_last: #is_last,
            total: #total,
            total_pages: #total_pages,
            null_is_empty: #null_is_empty,
            end_status: #end_status,
            pagination: #pagination,
            in_body: #in_body,
        }
    })
}

/// Reads the path of `has_more` or `is_last`. Refuses a path whose name indicates the inverse.
fn more(args: &mut Args, key: &str, is_inverse: fn(&str) -> bool, inverse: &str) -> TokenStream {
    let path = args.string(key);
    if let Some(path) = path.as_ref().filter(|path| is_inverse(&path.value())) {
        let (value, when) =
            (path.value(), if key == "has_more" { "while another page follows" } else { "on the last page only" });
        let message = format!("`{key}` is true {when}, and `{value}` is its inverse: write `{inverse} = \"{value}\"`");
        args.errors.push_at(path.span(), message);
    }
    parts::option_tokens(path.as_ref().map(text))
}

/// Reads the statuses of `end_status(400, 404)`.
fn end_status(args: &mut Args) -> Option<TokenStream> {
    let statuses = args.numbers("end_status", 400..=499, "end_status(404)");
    (!statuses.is_empty()).then(|| quote!(__nango::Cow::Borrowed(&[#(#statuses),*])))
}

fn text(text: &LitStr) -> TokenStream {
    quote!(__nango::Cow::Borrowed(#text))
}

fn kind(args: &mut Args) -> Option<TokenStream> {
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
            let example = "last_item(name = \"starting_after\", field = \"id\")";
            args.nested("last_item", "`last_item(…)`", &["name", "field"], example)
        }
        _ => args.nested("offset", "`offset(…)`", &["name", "start", "by"], "offset(name = \"skip\")"),
    };
    let (at, mut inner) = nested?;
    let kind = match first.as_str() {
        "link" => link(&mut inner, at),
        "cursor" => cursor(&mut inner, at),
        "last_item" => last_item(&mut inner, at),
        _ => offset(&mut inner, at),
    };
    args.errors.extend(inner.errors);
    Some(kind)
}

fn link(args: &mut Args, at: Span) -> TokenStream {
    if !args.has("rel") && !args.has("path") && args.errors.is_empty() {
        let message =
            "`link` pagination needs `rel = \"next\"` (the Link header) or `path = \"…\"` (a link in the body)";
        args.errors.push_at(at, message);
    }
    let (rel, path) = (args.string("rel"), args.string("path"));
    let (rel, path) = (parts::option_tokens(rel.as_ref().map(text)), parts::option_tokens(path.as_ref().map(text)));
    quote!(__nango::PaginateKind::Link { rel: #rel, path: #path })
}

fn cursor(args: &mut Args, at: Span) -> TokenStream {
    let name = required(args, at, "name", "cursor", "the parameter that carries the cursor");
    let path = required(args, at, "path", "cursor", "the path of the next cursor in the response");
    quote!(__nango::PaginateKind::Cursor { name: #name, path: #path })
}

fn last_item(args: &mut Args, at: Span) -> TokenStream {
    let name = required(args, at, "name", "last_item", "the parameter that carries the last record's value");
    let id =
        required(args, at, "field", "last_item", "the field of a record that the next request sends, such as `id`");
    quote!(__nango::PaginateKind::LastItem { name: #name, id: #id })
}

fn offset(args: &mut Args, at: Span) -> TokenStream {
    let name = required(args, at, "name", "offset", "the parameter that carries the offset");
    let start = args.number("start", 0..=u64::MAX).unwrap_or(0);
    let by = args.choice("by", &[("records", "Records"), ("page", "Page")]).unwrap_or("Records");
    let by = Ident::new(by, Span::call_site());
    quote!(__nango::PaginateKind::Offset { name: #name, start: #start, by: __nango::OffsetBy::#by })
}

fn required(args: &mut Args, at: Span, key: &str, kind: &str, meaning: &str) -> TokenStream {
    if !args.has(key) && args.errors.is_empty() {
        args.errors.push_at(at, format!("`{kind}` pagination needs `{key} = \"…\"`, {meaning}"));
    }
    args.string(key).as_ref().map(text).unwrap_or_default()
}
