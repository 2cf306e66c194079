//! Tests of the check itself with a synthetic description.

use nango_tests::descriptions::Descriptions;
use serde_json::{Value, json};

use super::check::{Report, check};
use super::entry::Entry;

/// Describes lists with cursors and with page numbers, a search with pagination in the body, and a single record.
fn description() -> Descriptions {
    let operation = |method: &str, path: &str, query: &[&str], body: &[&str], response: usize| {
        json!({
            "method": method, "path": path, "query": query, "body": body, "response": response,
            "headers": [],
        })
    };
    let operations = [
        operation("GET", "/v1/contacts", &["after", "limit"], &[], 0),
        operation("GET", "/v1/events", &["page", "per_page"], &[], 1),
        operation("GET", "/v1/notes", &["after", "size"], &[], 2),
        operation("POST", "/v1/search", &[], &["cursor", "limit"], 0),
        operation("GET", "/v1/people/{id}", &[], &[], 2),
        operation("POST", "/v1/ping", &[], &[], 2),
        operation("POST", "/v1/ask", &[], &["query"], 3),
    ];
    let responses = json!([
        ["results", "results[]", "results[].id", "paging", "paging.next", "paging.next.after"],
        ["events", "events[]", "events[].uid", "more"],
        [],
        ["data.viewer", "data.viewer.id"],
    ]);
    let acme = json!({
        "package": "acme-api", "servers": ["https://api.acme.test/v1"],
        "sign_in": ["token_url https://acme.test/oauth/token"], "operations": operations,
    });
    Descriptions::parse(&json!({ "responses": responses, "descriptions": { "acme": acme } }).to_string())
}

fn check_entry(entry: Value) -> (Report, Entry) {
    let entry = Entry::new(entry);
    (check(&entry, &description(), &["acme"], None), entry)
}

fn check_pagination(mut paginate: Value) -> Report {
    paginate["type"] = "cursor".into();
    check_entry(json!({ "proxy": { "base_url": "https://api.acme.test", "paginate": paginate } })).0
}

/// Returns the mismatches as texts.
fn mismatches(report: &Report) -> Vec<String> {
    report.mismatches.iter().map(ToString::to_string).collect()
}

#[test]
fn correct_entry_is_confirmed() {
    let (report, entry) = check_entry(json!({
        "token_url": "https://acme.test/oauth/token",
        "proxy": {
            "base_url": "https://api.acme.test",
            "paginate": {
                "cursor_name_in_request": "after", "cursor_path_in_response": "paging.next.after",
                "limit_name_in_request": "limit", "response_path": "results",
            },
            "verification": { "method": "GET", "endpoints": ["/v1/people/me?fields=id"] },
        },
    }));
    assert_eq!((mismatches(&report), &report.undocumented), (Vec::new(), &Vec::new()));
    let found: Vec<_> = report.confirmed.iter().map(|(key, _)| *key).collect();
    let all = [
        "base_url",
        "token_url",
        "verification",
        "cursor_name_in_request",
        "limit_name_in_request",
        "cursor_path_in_response",
        "response_path",
        "paginate",
    ];
    assert_eq!(found, all);
    assert!(report.is_confirmed(&entry));
}

#[test]
fn wrong_parameter_is_reported_with_both_values() {
    let report =
        check_pagination(json!({ "cursor_name_in_request": "starting_after", "limit_name_in_request": "limit" }));
    let theirs = "after (2); limit (1); page (1); per_page (1); size (1)";
    let expected = format!("`cursor_name_in_request`: ours is starting_after, the description has {theirs}");
    assert_eq!(mismatches(&report), [expected]);
}

#[test]
fn wrong_response_path_is_reported_with_fields_of_lists() {
    let report = check_pagination(json!({ "offset_name_in_request": "page", "response_path": "results" }));
    let theirs = "/v1/events with events, events[], more";
    assert_eq!(mismatches(&report)[0], format!("`response_path`: ours is results, the description has {theirs}"));
    let report =
        check_pagination(json!({ "offset_name_in_request": "page", "response_path": "events", "last_item_id": "id" }));
    assert_eq!(report.mismatches[0].key, "last_item_id");
    // The response has this field, but it is not a list.
    let report = check_pagination(json!({ "offset_name_in_request": "page", "response_path": "more" }));
    assert_eq!(report.mismatches[0].key, "response_path");
}

#[test]
fn response_paths_that_no_single_list_has_are_reported() {
    let report = check_pagination(json!({ "cursor_name_in_request": "after", "limit_name_in_request": "per_page" }));
    assert_eq!(report.mismatches.iter().map(|mismatch| mismatch.key).collect::<Vec<_>>(), ["paginate"]);
}

#[test]
fn pagination_in_body_is_compared_with_body_parameters() {
    let in_body = json!({ "in_body": true, "cursor_name_in_request": "cursor", "response_path": "results" });
    assert!(check_pagination(in_body).mismatches.is_empty());
    let in_query = json!({ "cursor_name_in_request": "cursor", "response_path": "results" });
    assert_eq!(check_pagination(in_query).mismatches[0].key, "cursor_name_in_request");
}

#[test]
fn undescribed_response_contradicts_nothing() {
    let report = check_pagination(json!({ "limit_name_in_request": "size", "response_path": "notes" }));
    assert_eq!((mismatches(&report), report.undocumented), (Vec::new(), vec!["response_path"]));
}

#[test]
fn verification_with_unknown_operation_is_reported() {
    let verification = |verification: Value| {
        check_entry(json!({ "proxy": { "base_url": "https://api.acme.test", "verification": verification } }))
    };
    let (report, entry) = verification(json!({ "endpoints": ["/v2/ping"] }));
    assert_eq!(mismatches(&report), ["`verification`: ours is GET /v2/ping, the description has POST /v1/ping"]);
    assert!(!report.is_confirmed(&entry));
    // The path is described, but with another method.
    assert_eq!(verification(json!({ "method": "GET", "endpoints": ["/v1/ping"] })).0.mismatches[0].key, "verification");
    assert!(verification(json!({ "method": "POST", "endpoints": ["/v1/ping"] })).0.mismatches.is_empty());
    // Another base address is not covered by the description.
    let (report, _) = verification(json!({ "base_url_override": "https://acme.test", "endpoints": ["/oauth/me"] }));
    assert_eq!((mismatches(&report), report.undocumented), (Vec::new(), vec!["verification"]));
    // All endpoints must be described, with all their alternatives.
    let (report, _) = verification(json!({ "endpoints": ["/v1/contacts || /v1/contact", "/v1/events", "/v1/evens"] }));
    let faults = [
        "`verification`: ours is GET /v1/contact, the description has GET /v1/contacts",
        "`verification`: ours is GET /v1/evens, the description has nothing like it",
    ];
    assert_eq!(mismatches(&report), faults);
    assert_eq!(report.confirmed.iter().filter(|(key, _)| *key == "verification").count(), 2);
}

#[test]
fn graphql_verification_is_compared_with_response_fields() {
    let verify_with = |query: &str| {
        let verification = json!({ "method": "POST", "endpoints": ["/v1/ask"], "data": { "query": query } });
        check_entry(json!({ "proxy": { "base_url": "https://api.acme.test", "verification": verification } })).0
    };
    assert!(verify_with("{ viewer { id } }").mismatches.is_empty());
    assert_eq!(
        mismatches(&verify_with("{ viewer { uuid } }")),
        ["`verification`: ours is data.viewer.uuid, the description has data.viewer"]
    );
}

#[test]
fn gateway_prefix_is_removed_before_paths_are_compared() {
    let base = "https://gateway.test/ex/${connectionConfig.cloudId}";
    let proxy = json!({ "base_url": base, "verification": { "endpoints": ["/v1/people/me"] } });
    let entry = Entry::new(json!({ "proxy": proxy }));
    assert!(check(&entry, &description(), &["acme"], Some(base)).mismatches.is_empty());
    let without = check(&entry, &description(), &["acme"], None);
    assert_eq!(
        without.mismatches.iter().map(|mismatch| mismatch.key).collect::<Vec<_>>(),
        ["base_url", "verification"]
    );
}

#[test]
fn wrong_addresses_are_reported() {
    let (report, _) = check_entry(json!({
        "token_url": "https://acme.test/oauth/v2/token",
        "authorization_url": "https://acme.test/oauth/authorize",
        "proxy": { "base_url": "https://acme.test" },
    }));
    assert_eq!(report.mismatches.iter().map(|mismatch| mismatch.key).collect::<Vec<_>>(), ["base_url", "token_url"]);
    assert_eq!(report.undocumented, ["authorization_url"]);
}
