//! Warnings about response paths that can never match.
//!
//! A path without a value is not an error when a response is read, because the value may be absent. The end of a walk
//! must not depend on a typing error, so everything that can be decided without a response is reported.

use nango_grammar::json_path;

use crate::{declare::PaginateKind, provider::Provider};

/// Returns warnings about the paths of an entry.
pub(super) fn warnings(provider: &Provider) -> Vec<String> {
    let mut warnings: Vec<String> = provider_paths(provider)
        .into_iter()
        .filter_map(|(key, path)| Some(format!("`{key}: {path}` can never match: {}", path_problem(path)?)))
        .collect();
    warnings.extend(paths_through_records(provider));
    warnings
}

type KeyedPath<'a> = (&'static str, &'a str);

/// Returns the paths of an entry with their keys.
fn provider_paths(provider: &Provider) -> Vec<KeyedPath<'_>> {
    let mut paths = page_paths(provider);
    let response = &provider.token.response;
    let of_pages = provider.proxy.paginate.as_ref();
    let refusal = provider.proxy.verification.as_ref().and_then(|verification| verification.refusal.as_ref());
    let others = [
        ("proxy.verification.error.when", refusal.map(|refusal| refusal.path.as_str())),
        ("proxy.verification.error.message", refusal.and_then(|refusal| refusal.message.as_deref())),
        ("proxy.paginate.response_path", of_pages.and_then(|pages| pages.response_path.as_deref()).map(object_or_list)),
        ("proxy.retry.in_body.path", provider.proxy.retry.body_wait.as_ref().map(|rule| rule.path.as_str())),
        ("token_response.token", response.token.as_deref()),
        ("token_response.refresh_token", response.refresh_token.as_deref()),
        ("token_response.token_expiration", response.expiration.as_deref()),
        ("alternate_access_token_response_path", response.alternate.as_deref()),
    ];
    paths.extend(others.into_iter().filter_map(|(key, path)| Some((key, path?))));
    paths.extend(response.metadata.iter().map(|path| ("token_response_metadata", path.as_str())));
    // An empty path selects the whole response.
    paths.retain(|(_, path)| !path.is_empty());
    paths
}

/// Returns the path of the list or object whose items or values are the records.
fn object_or_list(path: &str) -> &str {
    json_path::records(path).0
}

/// Returns the paths to page metadata, such as the next cursor.
fn page_paths(provider: &Provider) -> Vec<KeyedPath<'_>> {
    let Some(pages) = &provider.proxy.paginate else { return Vec::new() };
    let next = match &pages.kind {
        Some(PaginateKind::Link { path, .. }) => ("proxy.paginate.link_path_in_response_body", path.as_deref()),
        Some(PaginateKind::Cursor { path, .. }) => ("proxy.paginate.cursor_path_in_response", Some(&**path)),
        // The path starts at a record.
        Some(PaginateKind::LastItem { .. } | PaginateKind::Offset { .. }) | None => ("", None),
    };
    let paths = [
        next,
        ("proxy.paginate.has_more_path", pages.has_more.as_deref()),
        ("proxy.paginate.is_last_path", pages.is_last.as_deref()),
        ("proxy.paginate.total_path", pages.total.as_deref()),
        ("proxy.paginate.total_pages_path", pages.total_pages.as_deref()),
    ];
    paths.into_iter().filter_map(|(key, path)| Some((key, path?))).collect()
}

/// Returns warnings about paths that treat the list of records as an object.
fn paths_through_records(provider: &Provider) -> Vec<String> {
    let records = provider.proxy.paginate.as_ref().and_then(|pages| pages.response_path.as_deref()).unwrap_or_default();
    let is_object = json_path::records(records).1;
    let below = |path: &str| {
        let rest = path.strip_prefix(records)?.strip_prefix('.')?;
        let step = rest.split('.').next().unwrap_or_default();
        (!records.is_empty() && !is_object && !is_index(step)).then(|| step.to_owned())
    };
    let paths = page_paths(provider).into_iter();
    paths
        .filter_map(|(key, path)| {
            let step = below(path)?;
            Some(format!(
                "`{key}: {path}` can never match: `{records}` is the list of records, which has no key `{step}`"
            ))
        })
        .collect()
}

/// Returns the reason why a path cannot match in any response.
fn path_problem(path: &str) -> Option<&'static str> {
    let parts = || path.split('.');
    if path == "$" || path.starts_with("$.") || path.starts_with("$[") {
        Some("JSONPath is not supported: separate keys by dots, such as `data.items`")
    } else if path.starts_with('/') {
        Some("a JSON pointer is not supported: separate keys by dots, such as `data.items`")
    } else if path.contains("${") {
        Some("paths cannot contain templates")
    } else if parts().any(|part| part == "*" || part.contains("[*]") || part.contains("[]") || part.contains("[?")) {
        Some("it selects several values, but a path selects one")
    } else if parts().any(|part| part.trim() != part) {
        Some("one of its keys has spaces around it")
    } else if parts().any(str::is_empty) {
        Some("one of its keys is empty")
    } else if parts().any(|part| !has_indices(part)) {
        Some("brackets must contain an index such as `[0]`")
    } else {
        None
    }
}

/// Returns whether all brackets of a key are indices after its name, such as `rows[0][1]`.
fn has_indices(part: &str) -> bool {
    let Some(at) = part.find(['[', ']']) else { return true };
    let indices = part[at..].strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    indices.is_some_and(|text| text.split("][").all(is_index))
}

fn is_index(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Catalogue;

    #[track_caller]
    fn check(keys: &str, expect: &[&str]) {
        let text = format!("a: {{ auth_mode: OAUTH2, token_url: 'https://a.test/t', {keys} }}");
        let catalogue = Catalogue::parse(&text).unwrap();
        assert_eq!(warnings(catalogue.find("a").unwrap()), expect, "{keys}");
    }

    #[track_caller]
    fn check_list(path: &str, reason: Option<&str>) {
        let keys =
            format!("proxy: {{ paginate: {{ type: offset, offset_name_in_request: o, response_path: '{path}' }} }}");
        let expect = reason.map(|reason| format!("`proxy.paginate.response_path: {path}` can never match: {reason}"));
        check(&keys, &expect.iter().map(String::as_str).collect::<Vec<_>>());
    }

    #[test]
    fn path_that_can_match_has_no_warning() {
        for path in [
            "value",
            "data.items",
            "results[0].rows",
            "rows[0][1]",
            "results.0.rows",
            "[0].x",
            "@odata.nextLink",
            "$meta.list",
            "a-b_c:d",
            "x/y",
        ] {
            check_list(path, None);
        }
    }

    #[test]
    fn path_in_another_syntax_is_reported() {
        let json_path = "JSONPath is not supported: separate keys by dots, such as `data.items`";
        check_list("$.data", Some(json_path));
        check_list("$[0]", Some(json_path));
        check_list("/data/items", Some("a JSON pointer is not supported: separate keys by dots, such as `data.items`"));
        check_list("${connectionConfig.name}.rows", Some("paths cannot contain templates"));
        let several = "it selects several values, but a path selects one";
        for path in ["data[*].x", "data.*.x", "data[]", "links[?rel].href"] {
            check_list(path, Some(several));
        }
    }

    #[test]
    fn path_with_impossible_keys_is_reported() {
        let empty = "one of its keys is empty";
        for path in ["a..b", ".a", "a.", "."] {
            check_list(path, Some(empty));
        }
        check_list("data . items", Some("one of its keys has spaces around it"));
        let brackets = "brackets must contain an index such as `[0]`";
        for path in ["links[rel=next].href", "a[x]", "a[0", "a]0[", "a[0]b", "a[-1]"] {
            check_list(path, Some(brackets));
        }
    }

    #[test]
    fn every_path_of_an_entry_is_checked() {
        let pages = "type: cursor, cursor_name_in_request: c, cursor_path_in_response: /c, has_more_path: /h, \
                     is_last_path: /l, total_path: /t, total_pages_path: /p, response_path: /r";
        let retry = "in_body: { path: /b, value: x, strategy: after }";
        let token = "token_response_metadata: [/m], alternate_access_token_response_path: /a";
        let catalogue = Catalogue::parse(&format!(
            "a: {{ auth_mode: OAUTH2, {token}, proxy: {{ paginate: {{ {pages} }}, retry: {{ {retry} }} }} }}"
        ));
        let warnings = warnings(catalogue.unwrap().find("a").unwrap());
        let found: String = warnings.iter().map(|text| &text[text.find(": /").unwrap() + 3..][..1]).collect();
        assert_eq!(found, "chltprbam");
        check(
            "proxy: { paginate: { type: link, link_path_in_response_body: a..b } }",
            &["`proxy.paginate.link_path_in_response_body: a..b` can never match: one of its keys is empty"],
        );
    }

    #[test]
    fn path_through_the_records_is_reported() {
        let with = |path: &str| {
            format!(
                "proxy: {{ paginate: {{ type: cursor, cursor_name_in_request: c, cursor_path_in_response: {path}, \
                 response_path: data.items }} }}"
            )
        };
        check(
            &with("data.items.next"),
            &["`proxy.paginate.cursor_path_in_response: data.items.next` can never match: `data.items` is the \
                 list of records, which has no key `next`"],
        );
        for path in ["data.next", "data.items.0.next", "data.itemsNext", "data.items_meta.next"] {
            check(&with(path), &[]);
        }
    }
}
