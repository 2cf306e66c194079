//! GitHub as its OpenAPI description defines it: no request of the integration violates the description, and its
//! examples can be deserialised.

use std::collections::BTreeSet;

use nango_tests::{Registry, prism::Prism, wait};
use reqwest::{Client, Method};
use serde_json::{Value, json};

const REPOSITORY: &str = r#"{"owner":"octocat","repo":"Hello-World"}"#;

/// Every function that sends requests to GitHub, with its input and its number of requests.
fn functions() -> Vec<(&'static str, Option<Value>, usize)> {
    let of_repository = |mut input: Value| {
        input["owner"] = "octocat".into();
        input["repo"] = "Hello-World".into();
        Some(input)
    };
    vec![
        ("issues-demo", None, 1),
        ("issues-demo-mapped", None, 1),
        // The second page is the last one.
        ("repo-issues", None, 2),
        ("repo-issues-by-hand", None, 2),
        ("create-issue", Some(json!({ "title": "Hello" })), 1),
        ("update-issue", of_repository(json!({ "number": 1347, "title": "Found", "body": "b", "state": "closed" })), 1),
        ("list-labels", of_repository(json!({})), 2),
        ("get-label", of_repository(json!({ "name": "bug" })), 1),
        ("create-label", of_repository(json!({ "name": "bug", "color": "f29513" })), 1),
        ("update-label", of_repository(json!({ "name": "bug", "new_name": "bug 🐛", "color": "b01f26" })), 1),
        ("delete-label", of_repository(json!({ "name": "bug" })), 1),
    ]
}

#[test]
fn requests_conform_to_github_description() {
    let Some(github) = Prism::start() else { return };
    let registry = Registry::new();
    registry.base_url("github", github.url());
    let add = ["connection", "add", "github", "octo", "--auth", "bearer", "--credentials", "\"t\""];
    // Adding the connection runs `check-repository`.
    registry.run(add.into_iter().chain(["--metadata", REPOSITORY])).expect(0);

    let mut expected_requests = 1;
    for (name, input, requests) in functions() {
        let input = input.map(|input| input.to_string());
        let run = ["run", "github", name, "--connection", "octo", "--json"].into_iter();
        let report = registry.json(run.chain(input.iter().flat_map(|input| ["--input", input])));
        assert_eq!(report["status"], "success", "{name}: {report:#}");
        expected_requests += requests;
        let all = github.requests();
        let wrong: Vec<_> =
            all.iter().filter(|request| !request.violations.is_empty() || request.status >= 300).collect();
        assert!(
            wrong.is_empty() && all.len() == expected_requests,
            "{name}: {wrong:#?} of {} (expected {expected_requests})",
            all.len()
        );
    }

    let listed = registry.json(["list", "--json"]);
    let without_requests = BTreeSet::from(["issue-changed"]);
    let registered = listed.as_array().expect("a list").iter().filter(|function| function["integration"] == "github");
    let tested = functions().into_iter().map(|(name, ..)| name).chain(["check-repository"]).chain(without_requests);
    let registered: BTreeSet<_> = registered.map(|function| function["name"].as_str().expect("a name")).collect();
    assert_eq!(registered, tested.collect(), "a new function of the integration needs a line here");
}

#[test]
fn request_outside_description_is_reported() {
    let Some(github) = Prism::start() else { return };
    let wrong = [
        (Method::GET, "/issues?state=half-open", ""),
        (Method::POST, "/issues", r#"{"labels":["bug"]}"#),
        (Method::PATCH, "/issues/1347", r#"{"state":"half open"}"#),
        (Method::PATCH, "/issues/first", r#"{"state":"open"}"#),
        (Method::POST, "/labels", r#"{"nme":"bug"}"#),
        (Method::PATCH, "/labels/bug", r#"{"color":5}"#),
        (Method::GET, "/lables", ""),
    ];
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().build().expect("a client");
    for (method, path, body) in &wrong {
        let url = format!("{}/repos/octocat/Hello-World{path}", github.url());
        let mut request = client.request(method.clone(), url);
        if !body.is_empty() {
            request = request.header("content-type", "application/json").body(*body);
        }
        let status = wait(async move { request.send().await.expect("a response").status().as_u16() });
        assert!(matches!(status, 404 | 422), "{method} {path}: {status}");
    }
    let requests = github.requests();
    assert!(
        requests.len() == wrong.len() && requests.iter().all(|request| !request.violations.is_empty()),
        "{requests:#?}"
    );
}
