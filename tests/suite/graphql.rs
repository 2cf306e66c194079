//! The example of a GraphQL API against npm's `graphql`, which validates the query and its variables.

use nango_tests::{
    Registry,
    graphql::{GraphQl, TOKEN},
};
use serde_json::{Value, json};

/// Number of issues: more than four pages of 50.
const ISSUES: usize = 230;

/// Runs the sync and returns the counts of its model.
#[track_caller]
fn counts(registry: &Registry) -> Value {
    let report = registry.json(["run", "linear", "issues", "--connection", "acme", "--json"]);
    assert_eq!(report["status"], "success", "{report:#}");
    report["models"]["LinearIssue"].clone()
}

fn linear(server: &GraphQl) -> Registry {
    let registry = Registry::new();
    registry.base_url("linear", server.url());
    let credentials = json!(TOKEN).to_string();
    let add = ["connection", "add", "linear", "acme", "--auth", "bearer", "--credentials", &credentials];
    registry.run(add.iter().chain(&["--metadata", r#"{"team":"ENG"}"#])).expect(0);
    registry
}

fn issues(range: std::ops::Range<usize>) -> Vec<Value> {
    range.map(|i| json!({ "id": i.to_string(), "title": format!("Issue {i}") })).collect()
}

#[test]
fn query_and_variables_are_valid_for_a_graphql_server() {
    let Some(server) = GraphQl::start() else { return };
    server.set_issues(&issues(0..ISSUES));
    let registry = linear(&server);
    assert_eq!(counts(&registry)["added"], ISSUES);
    server.set_issues(&issues(1..ISSUES));
    let second = counts(&registry);
    assert_eq!((&second["deleted"], &second["unchanged"]), (&json!(1), &json!(ISSUES - 1)));
}

#[test]
fn failed_field_beside_the_data_deletes_nothing() {
    let Some(server) = GraphQl::start() else { return };
    server.set_issues(&issues(0..ISSUES));
    let registry = linear(&server);
    assert_eq!(counts(&registry)["added"], ISSUES);
    // A field that must not be null fails, so that the whole list becomes null beside the error.
    server.set_failing("title", &["150"]);
    let failed = registry.run(["run", "linear", "issues", "--connection", "acme"]).expect(1);
    assert!(failed.stderr.contains("the field title of 150 could not be loaded"), "{}", failed.stderr);
    server.set_failing("", &[]);
    // The failed run had committed the pages before the error, and this one continues after them.
    let after = counts(&registry);
    assert_eq!((&after["deleted"], &after["added"]), (&json!(0), &json!(0)));
}
