//! Invalid `paginate` keys. Valid ones are tested in `run/tests/declaration_forms.rs`.

use crate::provider::Catalogue;

const LINK: &str = "type: link, link_rel_in_response_header: next";

/// Checks the problem of a `paginate` with `type: link` and other keys.
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
        let expect =
            format!("`proxy.paginate.end_status: {text}` is not an error status; use 400 to 499, such as `[404]`");
        check(&format!("end_status: [404, {status}]"), &expect);
    }
    check(
        "pagination: cursor",
        "unknown value `cursor` of `proxy.paginate.pagination`; available: `token` and `position`",
    );
}
