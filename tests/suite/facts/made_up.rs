//! Tests of the check itself, with a description made up for them.

use nango_tests::descriptions::Descriptions;
use serde_json::{Value, json};

use super::check::{Report, check};
use super::entry::Entry;

/// Describes lists by cursor and by page, a search with its pages in the body, and a person.
fn description() -> Descriptions {
    let operation = |method: &str, path: &str, query: &[&str], body: &[&str], answer: usize| {
        json!({
            "method": method, "path": path, "query": query, "body": body, "answer": answer,
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
    let answers = json!([
        ["results", "results[]", "results[].id", "paging", "paging.next", "paging.next.after"],
        ["events", "events[]", "events[].uid", "more"],
        [],
        ["data.viewer", "data.viewer.id"],
    ]);
    let acme = json!({
        "package": "acme-api", "servers": ["https://api.acme.test/v1"],
        "sign_in": ["token_url https://acme.test/oauth/token"], "operations": operations,
    });
    Descriptions::parse(&json!({ "answers": answers, "descriptions": { "acme": acme } }).to_string())
}

fn held(entry: Value) -> (Report, Entry) {
    let entry = Entry::new(entry);
    (check(&entry, &description(), &["acme"], None), entry)
}

fn of_pages(mut paginate: Value) -> Report {
    paginate["type"] = "cursor".into();
    held(json!({ "proxy": { "base_url": "https://api.acme.test", "paginate": paginate } })).0
}

/// Shows the faults.
fn wrong(report: &Report) -> Vec<String> {
    report.wrong.iter().map(ToString::to_string).collect()
}

#[test]
fn a_right_entry_is_confirmed_and_counts() {
    let (report, entry) = held(json!({
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
    assert_eq!((wrong(&report), &report.silent), (Vec::new(), &Vec::new()));
    let found: Vec<_> = report.found.iter().map(|(key, _)| *key).collect();
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
    assert!(report.counts(&entry));
}

#[test]
fn a_wrong_parameter_is_reported_with_ours_and_theirs() {
    let report = of_pages(json!({ "cursor_name_in_request": "starting_after", "limit_name_in_request": "limit" }));
    let theirs = "after (2); limit (1); page (1); per_page (1); size (1)";
    let expected = format!("`cursor_name_in_request`: ours is starting_after, the description has {theirs}");
    assert_eq!(wrong(&report), [expected]);
}

#[test]
fn a_wrong_place_in_the_answer_is_reported_with_what_lists_have() {
    let report = of_pages(json!({ "offset_name_in_request": "page", "response_path": "results" }));
    let theirs = "/v1/events with events, events[], more";
    assert_eq!(wrong(&report)[0], format!("`response_path`: ours is results, the description has {theirs}"));
    let report = of_pages(json!({ "offset_name_in_request": "page", "response_path": "events", "last_item_id": "id" }));
    assert_eq!(report.wrong[0].key, "last_item_id");
    // Where the answer has the name, but no list.
    let report = of_pages(json!({ "offset_name_in_request": "page", "response_path": "more" }));
    assert_eq!(report.wrong[0].key, "response_path");
}

#[test]
fn keys_that_no_list_has_together_are_reported() {
    let report = of_pages(json!({ "cursor_name_in_request": "after", "limit_name_in_request": "per_page" }));
    assert_eq!(report.wrong.iter().map(|wrong| wrong.key).collect::<Vec<_>>(), ["paginate"]);
}

#[test]
fn pages_in_the_body_are_looked_for_in_the_body() {
    let in_body = json!({ "in_body": true, "cursor_name_in_request": "cursor", "response_path": "results" });
    assert!(of_pages(in_body).wrong.is_empty());
    let in_query = json!({ "cursor_name_in_request": "cursor", "response_path": "results" });
    assert_eq!(of_pages(in_query).wrong[0].key, "cursor_name_in_request");
}

#[test]
fn an_answer_that_is_not_described_contradicts_nothing() {
    let report = of_pages(json!({ "limit_name_in_request": "size", "response_path": "notes" }));
    assert_eq!((wrong(&report), report.silent), (Vec::new(), vec!["response_path"]));
}

#[test]
fn a_verification_that_is_not_there_is_reported() {
    let verification = |verification: Value| {
        held(json!({ "proxy": { "base_url": "https://api.acme.test", "verification": verification } }))
    };
    let (report, entry) = verification(json!({ "endpoints": ["/v2/ping"] }));
    assert_eq!(wrong(&report), ["`verification`: ours is GET /v2/ping, the description has POST /v1/ping"]);
    assert!(!report.counts(&entry));
    // The path is there, the method is not.
    assert_eq!(verification(json!({ "method": "GET", "endpoints": ["/v1/ping"] })).0.wrong[0].key, "verification");
    assert!(verification(json!({ "method": "POST", "endpoints": ["/v1/ping"] })).0.wrong.is_empty());
    // Elsewhere, the description does not reach.
    let (report, _) = verification(json!({ "base_url_override": "https://acme.test", "endpoints": ["/oauth/me"] }));
    assert_eq!((wrong(&report), report.silent), (Vec::new(), vec!["verification"]));
    // All endpoints must be there, and all forms of each.
    let (report, _) = verification(json!({ "endpoints": ["/v1/contacts || /v1/contact", "/v1/events", "/v1/evens"] }));
    let faults = [
        "`verification`: ours is GET /v1/contact, the description has GET /v1/contacts",
        "`verification`: ours is GET /v1/evens, the description has nothing like it",
    ];
    assert_eq!(wrong(&report), faults);
    assert_eq!(report.found.iter().filter(|(key, _)| *key == "verification").count(), 2);
}

#[test]
fn a_question_in_graphql_is_looked_for_in_the_answer() {
    let asks = |question: &str| {
        let verification = json!({ "method": "POST", "endpoints": ["/v1/ask"], "data": { "query": question } });
        held(json!({ "proxy": { "base_url": "https://api.acme.test", "verification": verification } })).0
    };
    assert!(asks("{ viewer { id } }").wrong.is_empty());
    assert_eq!(
        wrong(&asks("{ viewer { uuid } }")),
        ["`verification`: ours is data.viewer.uuid, the description has data.viewer"]
    );
}

#[test]
fn a_gateway_is_taken_off_before_paths_are_compared() {
    let base = "https://gateway.test/ex/${connectionConfig.cloudId}";
    let proxy = json!({ "base_url": base, "verification": { "endpoints": ["/v1/people/me"] } });
    let entry = Entry::new(json!({ "proxy": proxy }));
    assert!(check(&entry, &description(), &["acme"], Some(base)).wrong.is_empty());
    let without = check(&entry, &description(), &["acme"], None);
    assert_eq!(without.wrong.iter().map(|wrong| wrong.key).collect::<Vec<_>>(), ["base_url", "verification"]);
}

#[test]
fn wrong_addresses_are_reported() {
    let (report, _) = held(json!({
        "token_url": "https://acme.test/oauth/v2/token",
        "authorization_url": "https://acme.test/oauth/authorize",
        "proxy": { "base_url": "https://acme.test" },
    }));
    assert_eq!(report.wrong.iter().map(|wrong| wrong.key).collect::<Vec<_>>(), ["base_url", "token_url"]);
    assert_eq!(report.silent, ["authorization_url"]);
}
