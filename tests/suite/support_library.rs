//! Tests of the test support: the servers behave as the other tests assume.

#![expect(
    clippy::unwrap_used,
    reason = "clippy recognises tests by their attribute, but not the functions that they call"
)]

use std::collections::BTreeSet;

use nango_tests::bench_server::{BenchServer, Mutation};
use nango_tests::octokit::{Recording, Scenario};
use nango_tests::{Registry, wait};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

/// An HTTP response with its complete body.
struct HttpResponse {
    status: u16,
    link: Option<String>,
    body: String,
}

impl HttpResponse {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn next_link(&self) -> Option<String> {
        let next = self.link.as_deref()?.split(", ").find(|link| link.ends_with("rel=\"next\""))?;
        Some(next.split(['<', '>']).nth(1)?.to_owned())
    }
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().user_agent("tests").build().unwrap()
}

fn send(request: RequestBuilder) -> HttpResponse {
    wait(async move {
        let response = request.send().await.unwrap();
        let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        HttpResponse { status: response.status().as_u16(), link, body: response.text().await.unwrap() }
    })
}

fn get(url: &str) -> HttpResponse {
    send(client().get(url))
}

fn walk(first: &str, step: impl Fn(&str) -> HttpResponse) -> (usize, Vec<Value>) {
    let (mut pages, mut records, mut next) = (0, Vec::new(), Some(first.to_owned()));
    while let Some(url) = next {
        let page = step(&url);
        assert_eq!(page.status, 200, "{}", page.body);
        records.extend(page.json().as_array().unwrap().iter().cloned());
        pages += 1;
        next = page.next_link();
    }
    (pages, records)
}

const ISSUES: &str = "/repos/octokit-fixture-org/paginate-issues/issues?per_page=100&state=all";

#[test]
fn recording_is_paginated_through_its_proxy() {
    let play = || {
        let github = Recording::start(Scenario::PaginateIssues, "mine", &[("state", "all")])?;
        let (pages, issues) =
            walk(&format!("{}{ISSUES}", github.url()), |url| send(client().get(url).bearer_auth("mine")));
        assert_eq!((pages, issues.len()), (5, 13));
        assert_eq!(issues[0]["html_url"], "https://github.com/octokit-fixture-org/paginate-issues/issues/13");
        let requests = github.finish();
        assert_eq!(requests[4].target, "/repositories/1000/issues?per_page=100&state=all&page=5");
        Some(issues)
    };
    let Some(first) = play() else { return };
    assert_eq!(play().unwrap(), first, "another session sends the same bytes");
}

#[test]
fn recording_of_changes_is_replayed_through_its_proxy() {
    let Some(github) = Recording::start(Scenario::Labels, "mine", &[]) else { return };
    let labels = format!("{}/repos/octokit-fixture-org/labels/labels", github.url());
    let send_label_request = |method: Method, path: &str, body: Option<Value>| {
        let request = client().request(method, format!("{labels}{path}")).bearer_auth("mine");
        send(match body {
            Some(body) => request.header("content-type", "application/json").body(format!("{body:#}")),
            None => request,
        })
    };
    assert_eq!(send_label_request(Method::GET, "", None).json().as_array().unwrap().len(), 9);
    let created = send_label_request(Method::POST, "", Some(json!({ "color": "663399", "name": "test-label" })));
    assert_eq!((created.status, &created.json()["name"]), (201, &json!("test-label")));
    assert_eq!(send_label_request(Method::GET, "/test-label", None).status, 200);
    let renamed = send_label_request(
        Method::PATCH,
        "/test-label",
        Some(json!({ "new_name": "test-label-updated", "color": "BADA55" })),
    );
    assert_eq!(renamed.json()["color"], "BADA55");
    let deleted = send_label_request(Method::DELETE, "/test-label-updated", None);
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    assert_eq!(github.finish().len(), 5);
}

#[test]
fn proxy_refuses_request_out_of_order() {
    let Some(github) = Recording::start(Scenario::PaginateIssues, "mine", &[("state", "all")]) else { return };
    let right = format!("{}{ISSUES}", github.url());
    let refused = |request: RequestBuilder, reason: &str| {
        let response = send(request);
        let message = response.json()["message"].as_str().unwrap().to_owned();
        assert!(response.status == 422 && message.contains(reason), "{message}");
    };
    let without_user_agent = Client::builder().no_proxy().build().unwrap();
    refused(client().get(&right), "bearer token");
    refused(client().get(&right).bearer_auth("another"), "bearer token");
    refused(client().get(&right).bearer_auth("mine").bearer_auth("mine"), "exactly once");
    refused(without_user_agent.get(&right).bearer_auth("mine"), "User-Agent");
    refused(client().get(&right).bearer_auth("mine").body("{}"), "a body");
    refused(client().post(&right).bearer_auth("mine"), "request 1 is GET /repos/octokit-fixture-org/paginate-issues");
    refused(client().get(right.replace("100", "50")).bearer_auth("mine"), "the query is");
    refused(client().get(right.replace("&state=all", "")).bearer_auth("mine"), "the query is");
    refused(client().get(format!("{right}&page=1")).bearer_auth("mine"), "the query is");
    assert!(github.seen().is_empty());
    let finished = std::panic::catch_unwind(|| github.finish()).unwrap_err();
    assert!(finished.downcast_ref::<String>().unwrap().contains("requests that do not match"));
}

#[test]
fn bench_server_serves_same_records_by_link_cursor_and_offset() {
    let server = BenchServer::start(250);
    let ids = |records: &[Value]| records.iter().map(|record| record["id"].as_u64().unwrap()).collect::<Vec<_>>();
    let (pages, by_link) = walk(&format!("{}/repos/o/r/issues?per_page=100&page=1", server.url()), get);
    assert_eq!((pages, ids(&by_link).iter().collect::<BTreeSet<_>>().len()), (3, 250));

    let mut by_cursor = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(&format!("{}/cursor/issues?limit=90{cursor}", server.url())).json();
        by_cursor.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(by_cursor, by_link);

    let page = |offset: usize| get(&format!("{}/offset/issues?limit=100&offset={offset}", server.url())).json();
    let by_offset: Vec<Value> =
        [0, 100, 200, 300].iter().flat_map(|&offset| page(offset)["items"].as_array().unwrap().clone()).collect();
    assert_eq!((by_offset, &page(300)["total"]), (by_link.clone(), &json!(250)));
    assert_eq!(server.requests(), 3 + 3 + 5);

    let size = by_link.iter().map(|record| record.to_string().len()).sum::<usize>() / by_link.len();
    assert!((2300..2700).contains(&size), "{size} bytes per record");
    let other = BenchServer::start(250);
    assert_eq!(walk(&format!("{}/repos/o/r/issues", other.url()), get).1, by_link, "the same in every server");
    let comments = |issue: u64| get(&format!("{}/issues/{issue}/comments", server.url())).json();
    assert_eq!(ids(comments(7)["items"].as_array().unwrap()), [14, 15]);
    assert_eq!(ids(comments(8)["items"].as_array().unwrap()), [16, 17], "no two issues have a comment in common");
}

#[test]
fn bench_server_mutates_requested_share() {
    let server = BenchServer::start(2000);
    let all = || walk(&format!("{}/repos/o/r/issues", server.url()), get).1;
    let before = all();
    let mutation = Mutation { changed_per_mille: 50, ..Mutation::default() };
    assert_eq!(server.mutate(mutation), 2000);
    let after = all();
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    assert!((70..130).contains(&changed), "{changed} of 2000, requested 5 %");

    let remaining = server.mutate(Mutation { deleted_per_mille: 100, seed: 7, ..Mutation::default() });
    assert!((1750..1850).contains(&remaining), "{remaining} of 2000, requested 90 %");
    let address = format!("{}/admin/mutate?deleted=100&seed=7", server.url());
    assert_eq!(send(client().post(address)).json(), json!({ "records": remaining }));
    assert_eq!(all().len(), remaining);
    server.mutate(Mutation::default());
    assert_eq!(all(), before);
}

#[test]
fn registry_binary_runs_in_its_own_directory() {
    let registry = Registry::new();
    let help = registry.run(["--help"]).expect(0);
    assert!(help.stdout.contains("registry"), "{}", help.stdout);
    assert!(std::fs::read_dir(registry.dir()).unwrap().next().is_none(), "help writes no file");
}
