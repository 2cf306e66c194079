//! Tests of the three forms of a pagination: the attribute of a mapper, the builder, and the file format of providers.
//! Each kind and each setting must have the same value in all of them.

use crate::{
    declare::{Item, OffsetBy, Paginate, PaginateKind, Pagination, Registry, SyncRun},
    provider::Catalogue,
};

/// Pagination in its three forms.
struct Forms {
    /// Name of the mapper whose attribute declares it.
    mapper: &'static str,
    builder: Paginate,
    format: String,
}

/// Defines rows of a name, the builder, the keys of the file format, and the arguments of the attribute.
macro_rules! forms {
    ($($name:ident: $builder:expr, $format:expr, ($($attribute:tt)*);)*) => {
        mod attributes {
            use crate::prelude::*;

            /// Test record of a form.
            #[model]
            struct Form {
                /// Id of the record.
                id: String,
            }

            $(
                /// Mapper that is never run.
                #[sync(integration = "forms", model = "Form", endpoint = "/forms", paginate($($attribute)*))]
                fn $name(form: Form) -> Form {
                    form
                }
            )*
        }

        fn forms() -> Vec<Forms> {
            vec![$(Forms { mapper: stringify!($name), builder: $builder, format: $format.to_owned() }),*]
        }
    };
}

fn link() -> Paginate {
    Paginate::link("next")
}

fn with(keys: &str) -> String {
    format!("type: link, link_rel_in_response_header: next, {keys}")
}

forms! {
    header: link(), "type: link, link_rel_in_response_header: next", (link(rel = "next"));
    body: Paginate::link_in_body("a.next"), "type: link, link_path_in_response_body: a.next", (link(path = "a.next"));
    header_and_body:
        link_in_header_and_body(), with("link_path_in_response_body: a.next"), (link(rel = "next", path = "a.next"));
    cursor: Paginate::cursor("after", "paging.next"),
        "type: cursor, cursor_name_in_request: after, cursor_path_in_response: paging.next",
        (cursor(name = "after", path = "paging.next"));
    last_item: Paginate::last_item("after", "user.id"),
        "type: cursor, cursor_name_in_request: after, last_item_id: user.id",
        (last_item(name = "after", id = "user.id"));
    offset: Paginate::offset("skip"), "type: offset, offset_name_in_request: skip", (offset(name = "skip"));
    page: Paginate::offset("page").start(1).by(OffsetBy::Page),
        "type: offset, offset_name_in_request: page, offset_start_value: 1, offset_calculation_method: per-page",
        (offset(name = "page", start = 1, by = "page"));
    limit: link().limit(7).limit_name("size"), with("limit: 7, limit_name_in_request: size"),
        (link(rel = "next"), limit = 7, limit_name = "size");
    response_path: link().response_path("data.items"), with("response_path: data.items"),
        (link(rel = "next"), response_path = "data.items");
    values: link().response_path("data.*"), with("response_path: 'data.*'"),
        (link(rel = "next"), response_path = "data.*");
    response_key: link().response_path("*").response_key("id"), with("response_path: '*', response_key: id"),
        (link(rel = "next"), response_path = "*", response_key = "id");
    has_more: link().has_more("meta.has_more"), with("has_more_path: meta.has_more"),
        (link(rel = "next"), has_more = "meta.has_more");
    is_last: link().is_last("meta.isLast"), with("is_last_path: meta.isLast"),
        (link(rel = "next"), is_last = "meta.isLast");
    total: link().total("meta.total"), with("total_path: meta.total"), (link(rel = "next"), total = "meta.total");
    total_pages: link().total_pages("meta.pages"), with("total_pages_path: meta.pages"),
        (link(rel = "next"), total_pages = "meta.pages");
    null: link().null_is_empty(true), with("null_is_empty: true"), (link(rel = "next"), null_is_empty = true);
    no_null: link().null_is_empty(false), with("null_is_empty: false"), (link(rel = "next"), null_is_empty = false);
    statuses: link().end_status([400, 404]), with("end_status: [400, 404]"), (link(rel = "next"), end_status(400, 404));
    status: link().end_status([404]), with("end_status: 404"), (link(rel = "next"), end_status(404));
    token: link().pagination(Pagination::Token), with("pagination: token"), (link(rel = "next"), pagination = "token");
    position: link().pagination(Pagination::Position), with("pagination: position"),
        (link(rel = "next"), pagination = "position");
    in_body: link().in_body(true), with("in_body: true"), (link(rel = "next"), in_body = true);
    in_query: link().in_body(false), with("in_body: false"), (link(rel = "next"), in_body = false);
}

/// Returns a link in the header and in the body, for which the builder has no short form.
fn link_in_header_and_body() -> Paginate {
    let kind = PaginateKind::Link { rel: Some("next".into()), path: Some("a.next".into()) };
    Paginate { kind: Some(kind), ..Paginate::provider() }
}

/// Returns every setting with its name, and whether it is declared. The pattern has no `..`, so that a new setting must
/// be added here, and then to the table.
fn declared(paginate: &Paginate) -> [(&'static str, bool); 13] {
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
    [
        ("kind", kind.is_some()),
        ("limit", limit.is_some()),
        ("limit_name", limit_name.is_some()),
        ("response_path", response_path.is_some()),
        ("response_key", response_key.is_some()),
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

/// Reads the `paginate` of an entry, and asserts that it has neither problems nor warnings.
fn from_file(keys: &str) -> Paginate {
    let text = format!("a: {{ auth_mode: NONE, proxy: {{ base_url: 'https://a.test', paginate: {{ {keys} }} }} }}");
    let catalogue = Catalogue::parse(&text).unwrap();
    let (_, listed) = catalogue.entries().next().unwrap();
    assert_eq!((&listed.problems, &listed.warnings), (&vec![], &vec![]), "{keys}");
    catalogue.find("a").unwrap().proxy.paginate.clone().unwrap()
}

/// Returns the `paginate(…)` of a mapper.
fn from_attribute(registry: &Registry, mapper: &str) -> Option<Paginate> {
    let name = mapper.replace('_', "-");
    registry.entries().iter().find_map(|entry| match entry.item() {
        Item::Sync(def) if entry.integration() == "forms" && def.name == name => match def.run {
            SyncRun::Mapper(mapper) => mapper.paginate.clone(),
            SyncRun::Function(_) => None,
        },
        _ => None,
    })
}

#[test]
fn setting_has_one_value_in_attribute_builder_and_file_format() {
    let registry = Registry::load().unwrap();
    let mut missing: Vec<&str> = declared(&Paginate::provider()).iter().map(|(name, _)| *name).collect();
    for Forms { mapper, builder, format } in forms() {
        missing.retain(|name| !declared(&builder).contains(&(*name, true)));
        assert_eq!(from_file(&format), builder, "{format}");
        assert_eq!(from_attribute(&registry, mapper).as_ref(), Some(&builder), "{mapper}");
    }
    assert!(missing.is_empty(), "no row declares {missing:?}");
}
