//! `list` and `describe`: the registered functions.

use nango_tests::Registry;
use serde_json::{Value, json};

fn function_row<'a>(list: &'a Value, name: &str) -> &'a Value {
    let rows = list.as_array().expect("a list");
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no `{name}` in {list:#}"))
}

#[test]
fn function_list_contains_every_function_with_its_declaration() {
    let list = Registry::new().json(["list", "--json"]);

    let sync = function_row(&list, "repo-issues");
    assert_eq!(sync["type"], "sync");
    assert_eq!(sync["integration"], "github");
    assert_eq!(sync["description"], "Syncs the issues of a repository.");
    assert_eq!(sync["version"], "0.0.1");
    assert_eq!(sync["models"], json!(["GithubIssue"]));
    assert_eq!(sync["frequency"], "every 30 minutes");
    assert_eq!(sync["auto_start"], true);
    assert_eq!(sync["track_deletes"], true);
    assert_eq!(sync["scopes"], json!(["repo"]));
    assert!(sync["at"].as_str().is_some_and(|at| at.contains("repo_issues.rs:")), "{sync}");

    let action = function_row(&list, "create-issue");
    assert_eq!((&action["type"], &action["frequency"]), (&json!("action"), &Value::Null));
    assert_eq!((&action["input"], &action["output"]), (&json!("CreateIssueInput"), &json!("CreateIssueResult")));

    let handler = function_row(&list, "issue-changed");
    assert_eq!((&handler["type"], &handler["sync"]), (&json!("on-webhook"), &json!("repo-issues")));
    assert_eq!(function_row(&list, "check-repository")["type"], "on-event");
    assert_eq!(function_row(&list, "projects")["integration"], "jira");
}

#[test]
fn function_list_is_sorted_and_deterministic() {
    let registry = Registry::new();
    let list = registry.json(["list", "--json"]);
    let key = |row: &Value| {
        [&row["integration"], &row["type"], &row["name"]].map(|v| v.as_str().unwrap_or_default().to_owned())
    };
    let keys: Vec<_> = list.as_array().expect("a list").iter().map(key).collect();
    let integrations: Vec<_> = keys.iter().map(|key| &key[0]).collect();
    assert!(integrations.is_sorted(), "{integrations:?}");
    assert_eq!(list, registry.json(["list", "--json"]));
}

#[test]
fn function_description_names_its_requirements() {
    let registry = Registry::new();
    let text = registry.run(["describe", "github", "repo-issues"]).expect(0).stdout;
    for part in ["repo-issues", "GithubIssue", "every 30 minutes", "repo_issues.rs:", "owner"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn description_names_parents_positions_and_all_models() {
    let registry = Registry::new();
    let described = |integration: &str, name: &str, parts: &[&str]| {
        let text = registry.run(["describe", integration, name]).expect(0).stdout;
        for part in parts {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
        registry.json(["describe", integration, name, "--json"])
    };
    let parts = [
        "parents   one list for each of the records of `SlackJoinedChannel`; 4 at once\n",
        "skipped   a parent whose list has status 403, 404 or 410, or a declared error that is not fatal\n",
        "model SlackMessage\n",
    ];
    let each = &described("slack", "messages", &parts)["walk"]["requests"]["each"];
    assert_eq!((&each["model"], &each["at_once"]), (&json!("SlackJoinedChannel"), &json!(4)));

    let parts = [
        "delta     parameter `cursor` with the value at `after_cursor`; without a position start_time; the last page \
         has `end_of_stream`; expired if status ",
    ];
    let delta = &described("zendesk", "tickets", &parts)["walk"]["requests"]["delta"];
    assert_eq!((&delta["path"], &delta["end"]), (&json!("after_cursor"), &json!("end_of_stream")));

    let orders = described("shopify", "orders", &["model ShopifyOrder\n", "model ShopifyOrderLine\n"]);
    assert_eq!(orders["models"], json!(["ShopifyOrder", "ShopifyOrderLine"]));
    let schemas: Vec<_> = orders["schemas"]["models"].as_object().unwrap().keys().collect();
    assert_eq!(schemas, ["ShopifyOrder", "ShopifyOrderLine"]);
}

#[test]
fn list_command_creates_no_database() {
    let registry = Registry::new();
    registry.run(["list"]).expect(0);
    assert!(!registry.database().exists());
}
