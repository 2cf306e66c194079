use crate::{
    declare::{OffsetBy, Paginate, PaginateKind, Pagination},
    provider::Catalogue,
};

/// Reads a `paginate` of the provider format, which may have neither problems nor warnings.
#[track_caller]
fn read(keys: &str) -> Paginate {
    let text = format!("a: {{ auth_mode: NONE, proxy: {{ base_url: 'https://a.test', paginate: {{ {keys} }} }} }}");
    let catalogue = Catalogue::parse(&text).unwrap();
    let (_, listed) = catalogue.entries().next().unwrap();
    assert_eq!((&listed.problems, &listed.warnings), (&vec![], &vec![]), "{keys}");
    catalogue.find("a").unwrap().proxy.paginate.clone().unwrap()
}

/// A pagination in the forms in which it can be declared.
struct Forms {
    builder: Paginate,
    format: &'static str,
}

const LINK: &str = "type: link, link_rel_in_response_header: next";

/// Every kind and every setting, each in every form.
fn forms() -> Vec<Forms> {
    let link = || Paginate::link("next");
    let of = |builder: Paginate, format: &'static str| Forms { builder, format };
    let with = |builder: Paginate, key: &str| Forms { builder, format: format!("{LINK}, {key}").leak() };
    vec![
        of(link(), LINK),
        of(Paginate::link_in_body("a.next"), "type: link, link_path_in_response_body: a.next"),
        of(
            Paginate {
                kind: Some(PaginateKind::Link { rel: Some("next".into()), path: Some("a.next".into()) }),
                ..Paginate::provider()
            },
            "type: link, link_rel_in_response_header: next, link_path_in_response_body: a.next",
        ),
        of(
            Paginate::cursor("after", "paging.next"),
            "type: cursor, cursor_name_in_request: after, cursor_path_in_response: paging.next",
        ),
        of(
            Paginate::last_item("after", "user.id"),
            "type: cursor, cursor_name_in_request: after, last_item_id: user.id",
        ),
        of(Paginate::offset("skip"), "type: offset, offset_name_in_request: skip"),
        of(
            Paginate::offset("page").start(1).by(OffsetBy::Page),
            "type: offset, offset_name_in_request: page, offset_start_value: 1, offset_calculation_method: per-page",
        ),
        with(link().limit(7).limit_name("size"), "limit: 7, limit_name_in_request: size"),
        with(link().response_path("data.items"), "response_path: data.items"),
        with(link().has_more("meta.has_more"), "has_more_path: meta.has_more"),
        with(link().is_last("meta.isLast"), "is_last_path: meta.isLast"),
        with(link().total("meta.total"), "total_path: meta.total"),
        with(link().total_pages("meta.pages"), "total_pages_path: meta.pages"),
        with(link().null_is_empty(true), "null_is_empty: true"),
        with(link().null_is_empty(false), "null_is_empty: false"),
        with(link().end_status([400, 404]), "end_status: [400, 404]"),
        with(link().end_status([404]), "end_status: 404"),
        with(link().pagination(Pagination::Token), "pagination: token"),
        with(link().pagination(Pagination::Position), "pagination: position"),
        with(link().in_body(true), "in_body: true"),
        with(link().in_body(false), "in_body: false"),
    ]
}

/// Every setting with its name, and whether it is declared. Without `..`: a new setting must be added here, and then to
/// the table.
fn declared(paginate: &Paginate) -> [(&'static str, bool); 12] {
    let Paginate {
        kind,
        limit,
        limit_name,
        response_path,
        has_more,
        is_last,
        total,
        total_pages,
        null_is_empty,
        end_status,
        pagination,
        in_body,
    } = paginate;
    [
        ("kind", kind.is_some()),
        ("limit", limit.is_some()),
        ("limit_name", limit_name.is_some()),
        ("response_path", response_path.is_some()),
        ("has_more", has_more.is_some()),
        ("is_last", is_last.is_some()),
        ("total", total.is_some()),
        ("total_pages", total_pages.is_some()),
        ("null_is_empty", null_is_empty.is_some()),
        ("end_status", end_status.is_some()),
        ("pagination", pagination.is_some()),
        ("in_body", in_body.is_some()),
    ]
}

#[test]
fn setting_has_one_value_in_every_form() {
    let mut missing: Vec<&str> = declared(&Paginate::provider()).iter().map(|(name, _)| *name).collect();
    for Forms { builder, format } in forms() {
        missing.retain(|name| !declared(&builder).contains(&(*name, true)));
        assert_eq!(read(format), builder, "{format}");
    }
    assert!(missing.is_empty(), "no row declares {missing:?}");
}

/// The problem that a `paginate` has beside `type: link`.
#[track_caller]
fn check(keys: &str, expect: &str) {
    let text =
        format!("a: {{ auth_mode: NONE, proxy: {{ base_url: 'https://a.test', paginate: {{ {LINK}, {keys} }} }} }}");
    let catalogue = Catalogue::parse(&text).unwrap();
    let (_, listed) = catalogue.entries().next().unwrap();
    assert_eq!(listed.problems, [expect], "{keys}");
    assert_eq!(catalogue.find("a").unwrap().proxy.paginate, None, "{keys}");
}

#[test]
fn has_more_path_that_names_the_end_is_a_problem() {
    for path in ["isLast", "done", "last", "meta.end_of_stream", "isEnd"] {
        let expect = format!(
            "`proxy.paginate.has_more_path` is true while another page follows, and `{path}` is its inverse: write \
             `is_last_path: {path}`"
        );
        check(&format!("has_more_path: {path}"), &expect);
    }
    check(
        "is_last_path: meta.has_more",
        "`proxy.paginate.is_last_path` is true on the last page only, and `meta.has_more` is its inverse: write \
         `has_more_path: meta.has_more`",
    );
}

#[test]
fn end_status_and_pagination_name_their_values() {
    for status in ["200", "399", "500", "4xx", "''"] {
        let text = status.trim_matches('\'');
        let expect = format!(
            "`proxy.paginate.end_status: {text}` is no status of a refused request: write one from 400 to 499, such as \
             `[404]`"
        );
        check(&format!("end_status: [404, {status}]"), &expect);
    }
    check("pagination: cursor", "`proxy.paginate.pagination: cursor` is not known: write `token` and `position`");
}
