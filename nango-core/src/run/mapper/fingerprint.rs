//! Fingerprints of walked lists. An interrupted walk resumes, and missed records of two walks are compared, only if
//! their fingerprints are equal.
//!
//! Fingerprints are stored, so the hashed text is frozen and has its own names: renaming a Rust symbol does not change
//! it. A new setting of [`Paginate`] must not change the text while the setting has its default, or every interrupted
//! walk starts over once.

use std::fmt::{self, Write as _};

use serde_json::Value;

use crate::{
    declare::{Delta, DeltaPosition, OffsetBy, Paginate, PaginateKind, Pagination, Since, SinceFormat, SyncDef},
    http::{Body, Method, RequestSpec},
};

/// Returns the fingerprint of the model's schema and the version of a sync, which determine the stored records.
pub(super) fn of_schema(def: &SyncDef) -> String {
    let mut generator = schemars::SchemaGenerator::default();
    let schema = (def.models[0].schema)(&mut generator).to_value();
    let definitions = Value::Object(generator.take_definitions(true));
    let mut text = format!("{} {schema} {definitions}", def.version);
    for model in &def.models[1..] {
        let mut generator = schemars::SchemaGenerator::default();
        let schema = (model.schema)(&mut generator).to_value();
        let definitions = Value::Object(generator.take_definitions(true));
        // Writing to a `String` cannot fail.
        let _ = write!(text, " model {}: {schema} {definitions}", model.name);
    }
    blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
}

/// Parts of a walked list that a fingerprint covers.
#[derive(Clone, Copy)]
pub(super) struct ListParts<'a> {
    pub(super) base_url: &'a str,
    pub(super) request: &'a RequestSpec,
    pub(super) paginate: Option<&'a Paginate>,
    pub(super) delta: Option<&'a Delta>,
    /// Parameters of `delta(initial(…))`.
    pub(super) initial: &'a [(&'static str, Value)],
}

/// Returns the fingerprint of a walk, within which a position is valid: its requests, and the schema of its records.
pub(super) fn of_walk(list: ListParts<'_>, since: Option<&Since>, schema: &str) -> String {
    let since = since.map(|since| format!("({:?}, {})", since.param, format_name(since.format)));
    let (base_url, endpoint, parts) = (list.base_url, &list.request.endpoint, list.text());
    let text =
        format!("{base_url} {endpoint} {} {} {schema}{parts}", option(list.paginate.map(paginate_text)), option(since));
    blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
}

/// Returns the fingerprint of a list whose missing records are compared between walks, and to which a position of
/// `delta` belongs.
pub(super) fn of_list(list: ListParts<'_>) -> [u8; 16] {
    let (base_url, endpoint, parts) = (list.base_url, &list.request.endpoint, list.text());
    let text = format!("{base_url} {endpoint} {}{parts}", option(list.paginate.map(paginate_text)));
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    fingerprint
}

impl ListParts<'_> {
    /// Returns the parts of the requests besides the endpoint and the pagination. The text is empty without them.
    fn text(&self) -> String {
        let mut text = request_text(self.request);
        if let Some(delta) = self.delta {
            text.push_str(&delta_text(delta, self.initial));
        }
        text
    }
}

/// Returns the text of an incremental feed. Its statuses are no part of it: they do not change what a position means.
fn delta_text(delta: &Delta, initial: &[(&'static str, Value)]) -> String {
    let mut text = match delta.position {
        DeltaPosition::Param { param, path } => format!(" delta: param {param:?} path {path:?}"),
        DeltaPosition::Link { path } => format!(" delta: link {path:?}"),
    };
    if let Some(end) = delta.end {
        let _ = write!(text, " end {end:?}");
    }
    for (name, value) in initial {
        let _ = write!(text, " initial: {name:?}={value}");
    }
    text
}

/// Returns the parts of the request besides its endpoint. The text is empty for a GET request without them.
fn request_text(request: &RequestSpec) -> String {
    let mut text = String::new();
    if request.method != Method::GET {
        // Writing to a `String` cannot fail.
        let _ = write!(text, " method: {}", request.method);
    }
    for (name, value) in &request.query {
        let _ = write!(text, " query: {name:?}={value:?}");
    }
    for (name, value) in &request.headers {
        let _ = write!(text, " header: {name}={}", blake3::hash(value.as_bytes()).to_hex());
    }
    if let Body::Json(body) = &request.body {
        let _ = write!(text, " body: {}", blake3::hash(body).to_hex());
    }
    text
}

fn paginate_text(paginate: &Paginate) -> String {
    // All fields are listed, so that a new field is a compile error until this function handles it.
    let Paginate {
        kind,
        limit,
        limit_name,
        response_path,
        response_key,
        has_more,
        is_last,
        total,
        total_pages,
        null_is_empty,
        end_status,
        pagination,
        in_body,
    } = paginate;
    let mut text = String::from("Paginate { ");
    field(&mut text, "kind", option(kind.as_ref().map(kind_text)));
    field(&mut text, "limit", option(*limit));
    field(&mut text, "limit_name", quoted(limit_name.as_deref()));
    field(&mut text, "response_path", quoted(response_path.as_deref()));
    if response_key.is_some() {
        field(&mut text, "response_key", quoted(response_key.as_deref()));
    }
    field(&mut text, "has_more", quoted(has_more.as_deref()));
    field(&mut text, "is_last", quoted(is_last.as_deref()));
    field(&mut text, "total", quoted(total.as_deref()));
    field(&mut text, "total_pages", quoted(total_pages.as_deref()));
    field(&mut text, "null_is_empty", option(*null_is_empty));
    field(&mut text, "end_status", option(end_status.as_deref().map(statuses)));
    field(&mut text, "pagination", option(pagination.map(pagination_name)));
    field(&mut text, "in_body", option(*in_body));
    text.truncate(text.len() - 2);
    text.push_str(" }");
    text
}

fn kind_text(kind: &PaginateKind) -> String {
    match kind {
        PaginateKind::Link { rel, path } => {
            format!("Link {{ rel: {}, path: {} }}", quoted(rel.as_deref()), quoted(path.as_deref()))
        }
        PaginateKind::Cursor { name, path } => format!("Cursor {{ name: {name:?}, path: {path:?} }}"),
        PaginateKind::LastItem { name, id } => format!("LastItem {{ name: {name:?}, id: {id:?} }}"),
        PaginateKind::Offset { name, start, by } => {
            let by = match by {
                OffsetBy::Records => "Records",
                OffsetBy::Page => "Page",
            };
            format!("Offset {{ name: {name:?}, start: {start}, by: {by} }}")
        }
    }
}

const fn pagination_name(pagination: Pagination) -> &'static str {
    match pagination {
        Pagination::Token => "Token",
        Pagination::Position => "Position",
    }
}

const fn format_name(format: SinceFormat) -> &'static str {
    match format {
        SinceFormat::Rfc3339 => "Rfc3339",
        SinceFormat::Unix => "Unix",
        SinceFormat::UnixMs => "UnixMs",
    }
}

fn statuses(statuses: &[u16]) -> String {
    let statuses: Vec<_> = statuses.iter().map(ToString::to_string).collect();
    format!("[{}]", statuses.join(", "))
}

fn field(text: &mut String, name: &str, value: impl fmt::Display) {
    // Writing to a `String` cannot fail.
    let _ = write!(text, "{name}: {value}, ");
}

fn option(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| "None".to_owned(), |value| format!("Some({value})"))
}

fn quoted(value: Option<&str>) -> String {
    option(value.map(|value| format!("{value:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Paginate {
        Paginate {
            limit: Some(100),
            limit_name: Some("per_page".into()),
            response_path: Some("data.items".into()),
            has_more: Some("more".into()),
            is_last: Some("last".into()),
            total: Some("total".into()),
            total_pages: Some("pages".into()),
            null_is_empty: Some(true),
            end_status: Some(vec![400, 404].into()),
            pagination: Some(Pagination::Position),
            in_body: Some(false),
            ..Paginate::cursor("after", "paging.\"next\"")
        }
    }

    fn items() -> RequestSpec {
        RequestSpec::get("/items")
    }

    #[test]
    fn every_part_of_the_request_changes_the_fingerprint() {
        let text = |request: RequestSpec| request_text(&request);
        let post = RequestSpec::new(Method::POST, "/items");
        assert_eq!(text(items()), "");
        assert_eq!(text(post.clone()), " method: POST");
        assert_eq!(text(items().query("a", "b c").query("a", "d")), " query: \"a\"=\"b c\" query: \"a\"=\"d\"");
        let header = items().header("x-version".parse().unwrap(), "1".parse().unwrap());
        let hash = blake3::hash(b"1").to_hex();
        assert_eq!(text(header), format!(" header: x-version={hash}"));
        let hash = blake3::hash(b"{}").to_hex();
        assert_eq!(text(post.body(Body::Json("{}".into()))), format!(" method: POST body: {hash}"));
    }

    #[track_caller]
    fn check(paginate: &Paginate, expect: &str) {
        assert_eq!(paginate_text(paginate), expect);
    }

    #[test]
    fn text_of_every_setting_is_frozen() {
        check(
            &full(),
            "Paginate { kind: Some(Cursor { name: \"after\", path: \"paging.\\\"next\\\"\" }), limit: Some(100), \
             limit_name: Some(\"per_page\"), response_path: Some(\"data.items\"), has_more: Some(\"more\"), \
             is_last: Some(\"last\"), total: Some(\"total\"), total_pages: Some(\"pages\"), null_is_empty: Some(true), \
             end_status: Some([400, 404]), pagination: Some(Position), in_body: Some(false) }",
        );
        let none = "limit: None, limit_name: None, response_path: None, has_more: None, is_last: None, total: None, \
                    total_pages: None, null_is_empty: None, end_status: None, pagination: None, in_body: None }";
        for (paginate, kind) in [
            (Paginate::provider(), "None"),
            (Paginate::link("next"), "Some(Link { rel: Some(\"next\"), path: None })"),
            (Paginate::link_in_body("next"), "Some(Link { rel: None, path: Some(\"next\") })"),
            (Paginate::last_item("after", "id"), "Some(LastItem { name: \"after\", id: \"id\" })"),
            (Paginate::offset("skip"), "Some(Offset { name: \"skip\", start: 0, by: Records })"),
            (
                Paginate::offset("page").start(1).by(OffsetBy::Page),
                "Some(Offset { name: \"page\", start: 1, by: Page })",
            ),
        ] {
            check(&paginate, &format!("Paginate {{ kind: {kind}, {none}"));
        }
    }

    #[test]
    fn later_setting_is_in_the_text_only_if_it_is_declared() {
        let paginate = Paginate::link("next").response_path("items.*").response_key("id");
        assert!(paginate_text(&paginate).contains("response_path: Some(\"items.*\"), response_key: Some(\"id\"), "));
        assert!(!paginate_text(&full()).contains("response_key"));
    }

    #[test]
    fn text_of_a_feed_is_frozen() {
        let delta = |position, end| Delta { position, initial: None, initial_names: &[], end, expired: &[410] };
        let param = DeltaPosition::Param { param: "cursor", path: "after" };
        let initial = [("start", Value::from(0)), ("kind", Value::from("a b"))];
        assert_eq!(
            delta_text(&delta(param, Some("done")), &initial),
            " delta: param \"cursor\" path \"after\" end \"done\" initial: \"start\"=0 initial: \"kind\"=\"a b\""
        );
        let link = DeltaPosition::Link { path: "@delta" };
        assert_eq!(delta_text(&delta(link, None), &[]), " delta: link \"@delta\"");
        let other = Delta { expired: &[400], ..delta(link, None) };
        assert_eq!(delta_text(&other, &[]), delta_text(&delta(link, None), &[]));
    }

    #[test]
    fn fingerprints_are_frozen() {
        let base = "https://api.example.com";
        let since = |format| Since {
            param: "since",
            format,
            from: crate::declare::SinceFrom::RunStart,
            overlap: 0,
            full_every: None,
        };
        let walk = |paginate: Option<&Paginate>, format: Option<SinceFormat>| {
            let list = ListParts { base_url: base, request: &items(), paginate, delta: None, initial: &[] };
            of_walk(list, format.map(since).as_ref(), "schema")
        };
        let paginate = full();
        assert_eq!(walk(None, None), "6ffd1108afdd9e36a200ca2ea185f20a");
        assert_eq!(walk(Some(&paginate), Some(SinceFormat::Rfc3339)), "8e916e30620cdf881dcf36a9cc7dd420");
        assert_eq!(walk(Some(&paginate), Some(SinceFormat::Unix)), "e2f20cd77e76d5547c84650b8b194f7f");
        assert_eq!(walk(Some(&paginate), Some(SinceFormat::UnixMs)), "1ba338e209aec3e386097d13216dc2c7");
        let list = |paginate| {
            let list = ListParts { base_url: base, request: &items(), paginate, delta: None, initial: &[] };
            u128::from_be_bytes(of_list(list))
        };
        assert_eq!(list(Some(&paginate)), 0x2878_2120_052b_9c10_0896_180f_7240_08ef);
        assert_eq!(list(None), 0xde7b_9ce8_55b9_9553_a779_c851_d1a0_afb8);
    }
}
