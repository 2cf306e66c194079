//! Key `paginate(…)`: how a mapper finds the next page.

mod kind;
mod values;

use nango_grammar::{
    flag_names::{names_last_page_flag, names_more_flag},
    json_path,
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::LitStr;

use crate::{args::Args, parts::option_tokens as option};
use kind::{Kind, kind, kind_key};
pub(crate) use values::path;
use values::{check_text, optional_text};

const KEYS: &[&str] = &[
    "link",
    "cursor",
    "offset",
    "last_item",
    "limit",
    "limit_name",
    "response_path",
    "response_key",
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

/// How a mapper finds the next page. Expands to a `Paginate` constant, the type that functions also use.
pub(crate) struct Paginate {
    /// Without a kind, the provider's entry decides.
    kind: Option<Kind>,
    /// Place of the kind, or of the attribute.
    kind_span: Span,
    limit: Option<u32>,
    limit_name: Option<LitStr>,
    response_path: Option<LitStr>,
    response_key: Option<LitStr>,
    has_more: Option<LitStr>,
    is_last: Option<LitStr>,
    total: Option<LitStr>,
    total_pages: Option<LitStr>,
    null_is_empty: Option<bool>,
    end_status: Vec<u16>,
    /// Variant of `declare::Pagination`.
    pagination: Option<&'static str>,
    in_body: Option<bool>,
}

impl Paginate {
    /// Reads and checks the key. `None` if it is missing; what is invalid is among the errors.
    pub(crate) fn validate(args: &mut Args) -> Option<Self> {
        let (at, mut inner) = args.nested("paginate", "`paginate(…)`", KEYS, EXAMPLE)?;
        let kind_span = kind_key(&inner).map_or(at, Ident::span);
        let kind = kind(&mut inner);
        let has_limit = inner.has("limit");
        let limit = inner.number32("limit", 1..=u32::MAX);
        let limit_name = inner.string("limit_name");
        if let (false, Some(name)) = (has_limit, &limit_name) {
            inner.errors.push_at(name.span(), "`limit_name` needs `limit = 100`, the number that it carries");
        }
        let response_path = inner.string("response_path");
        check_text(response_path.as_ref(), json_path::check_records, &mut inner.errors);
        let response_key = response_key(&mut inner, response_path.as_ref());
        let [total, total_pages] = ["total", "total_pages"].map(|key| path(&mut inner, key));
        let paginate = Self {
            kind,
            kind_span,
            limit,
            limit_name,
            response_path,
            response_key,
            has_more: more(&mut inner, "has_more", names_last_page_flag, "is_last"),
            is_last: more(&mut inner, "is_last", names_more_flag, "has_more"),
            total,
            total_pages,
            null_is_empty: inner.flag("null_is_empty"),
            end_status: inner.numbers("end_status", 400..=499, "end_status(404)"),
            pagination: inner.choice("pagination", &[("token", "Token"), ("position", "Position")]),
            in_body: inner.flag("in_body"),
        };
        args.errors.extend(inner.errors);
        Some(paginate)
    }
}

impl Paginate {
    /// Returns whether parameters are sent in the body, if that is declared.
    pub(crate) fn in_body(&self) -> Option<bool> {
        self.in_body
    }

    /// Returns the name and the place of the kind of pagination, if it is declared.
    pub(crate) fn kind(&self) -> Option<(&'static str, Span)> {
        self.kind.as_ref().map(|kind| (kind.name(), self.kind_span))
    }

    /// Returns the parameters of the pages, each with its key.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&'static str, &LitStr)> {
        let next = match &self.kind {
            Some(Kind::Cursor { name, .. }) => Some(("cursor", name)),
            Some(Kind::LastItem { name, .. }) => Some(("last_item", name)),
            Some(Kind::Offset { name, .. }) => Some(("offset", name)),
            Some(Kind::Link { .. }) | None => None,
        };
        let limit = self.limit_name.as_ref().map(|name| ("limit_name", name));
        next.into_iter().chain(limit)
    }
}

impl ToTokens for Paginate {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let [kind, limit] = [option(self.kind.as_ref()), option(self.limit)];
        let [limit_name, response_path, response_key, has_more, is_last, total, total_pages] = [
            &self.limit_name,
            &self.response_path,
            &self.response_key,
            &self.has_more,
            &self.is_last,
            &self.total,
            &self.total_pages,
        ]
        .map(|value| optional_text(value.as_ref()));
        let [null_is_empty, in_body] = [option(self.null_is_empty), option(self.in_body)];
        let statuses = &self.end_status;
        let end_status = option((!statuses.is_empty()).then(|| quote!(__nango::Cow::Borrowed(&[#(#statuses),*]))));
        let pagination = option(self.pagination.map(|variant| {
            let variant = Ident::new(variant, Span::call_site());
            quote!(__nango::Pagination::#variant)
        }));
        tokens.extend(quote! {
            __nango::Paginate {
                kind: #kind,
                limit: #limit,
                limit_name: #limit_name,
                response_path: #response_path,
                response_key: #response_key,
                has_more: #has_more,
                is_last: #is_last,
                total: #total,
                total_pages: #total_pages,
                null_is_empty: #null_is_empty,
                end_status: #end_status,
                pagination: #pagination,
                in_body: #in_body,
            }
        });
    }
}

/// Reads the field for the key of a record. It needs records that are the values of an object.
fn response_key(args: &mut Args, response_path: Option<&LitStr>) -> Option<LitStr> {
    let field = args.string("response_key");
    check_text(field.as_ref(), json_path::check_field, &mut args.errors);
    // Without a path, the path of the provider's entry is used.
    if let (Some(field), Some(path)) = (&field, response_path)
        && !json_path::records(&path.value()).1
    {
        let message = format!(
            "`response_key` needs records that are the values of an object: `response_path = \"{}.*\"`",
            path.value()
        );
        args.errors.push_at(field.span(), message);
    }
    field
}

/// Reads the path of `has_more` or `is_last`. Refuses a path whose name indicates the inverse.
fn more(args: &mut Args, key: &str, is_inverse: fn(&str) -> bool, inverse: &str) -> Option<LitStr> {
    let path = path(args, key);
    if let Some(path) = path.as_ref().filter(|path| is_inverse(&path.value())) {
        let (value, when) =
            (path.value(), if key == "has_more" { "while another page follows" } else { "on the last page only" });
        let message = format!("`{key}` is true {when}, and `{value}` is its inverse: write `{inverse} = \"{value}\"`");
        args.errors.push_at(path.span(), message);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paginate(input: &str) -> Result<Paginate, String> {
        let mut args = Args::parse("`#[sync]`", &["paginate"], input.parse().unwrap());
        let paginate = Paginate::validate(&mut args);
        args.errors.or(()).map_err(|error| error.to_string())?;
        Ok(paginate.unwrap())
    }

    #[test]
    fn kind_decides_how_the_next_page_is_found() {
        assert!(paginate("paginate").unwrap().kind.is_none());
        assert!(matches!(
            paginate("paginate(link(rel = \"next\"))").unwrap().kind,
            Some(Kind::Link { rel: Some(_), path: None })
        ));
        assert!(matches!(
            paginate("paginate(cursor(name = \"after\", path = \"next\"))").unwrap().kind,
            Some(Kind::Cursor { .. })
        ));
        assert!(matches!(
            paginate("paginate(offset(name = \"skip\"))").unwrap().kind,
            Some(Kind::Offset { start: 0, by: "Records", .. })
        ));
        assert!(matches!(
            paginate("paginate(last_item(name = \"after\", id = \"id\"), end_status(404))").unwrap().kind,
            Some(Kind::LastItem { .. })
        ));
    }

    #[test]
    fn invalid_pagination_is_reported() {
        let check = |input: &str, expect: &str| {
            let error = paginate(&format!("paginate({input})")).err().unwrap();
            assert!(error.contains(expect), "{input}: {error}");
        };
        check("link", "`link` pagination needs `rel");
        check("cursor(name = \"a\")", "`cursor` pagination needs `path");
        check("link(rel = \"next\"), offset(name = \"skip\")", "exclude each other");
        check("limit_name = \"n\"", "`limit_name` needs `limit");
        check("has_more = \"isLast\"", "write `is_last = \"isLast\"`");
        check("is_last = \"hasMore\"", "write `has_more = \"hasMore\"`");
        check("limit = 0", "at least 1");
        check("end_status(500)", "from 400 to 499");
        check("cursor(name = \"a\", path = \"a..b\")", "`a..b` is not a path such as");
        check("link(path = \".a\")", "`.a` is not a path such as");
        check("last_item(name = \"a\", id = \"a[\")", "`a[` is not a path such as");
        check("total = \"items.*\"", "only at the end of `response_path`");
        check("response_path = \"a.*.b\"", "only at the end of `response_path`");
        check("response_path = \"items\", response_key = \"id\"", "`response_path = \"items.*\"`");
        check("response_path = \"items.*\", response_key = \"a.b\"", "is not the name of a field");
        check("last_item(name = \"a\", field = \"id\")", "here it is `id = \"id\"`");
        check("page = \"page\"", "here it is `offset(name = \"page\", by = \"page\")`");
        check("per_page = 100", "here it is `limit = 100, limit_name = \"per_page\"`");
    }
}
