//! Interrupted runs: Ctrl-C, killed processes, concurrent processes. Committed pages stay, and the next run resumes.

use std::time::Duration;

use axum::{Json, Router, extract::Query, response::IntoResponse, routing::get};
use nango_tests::{Registry, Running, serve};
use serde::Deserialize;
use serde_json::{Value, json};

const PAGES: u32 = 40;

#[derive(Deserialize)]
struct ContactsQuery {
    after: Option<String>,
}

fn contact(i: u32) -> Value {
    let properties = json!({ "email": format!("c{i}@example.com"), "firstname": "C", "lastname": i.to_string() });
    json!({ "id": format!("{i:04}"), "properties": properties, "updatedAt": "2026-01-01T00:00:00Z", "archived": false })
}

/// Serves contacts with cursor pagination, slowly enough for an interruption between two pages.
async fn contacts(Query(query): Query<ContactsQuery>) -> impl IntoResponse {
    tokio::time::sleep(Duration::from_millis(60)).await;
    let page: u32 = query.after.map_or(0, |after| after.trim_start_matches('c').parse().expect("a page"));
    let results: Vec<Value> = (page * 10..(page + 1) * 10).map(contact).collect();
    let next = (page + 1 < PAGES).then(|| json!({ "next": { "after": format!("c{}", page + 1) } }));
    Json(json!({ "results": results, "paging": next }))
}

pub(crate) fn connected() -> Registry {
    let registry = Registry::new();
    registry.base_url("hubspot", &serve(Router::new().route("/crm/v3/objects/contacts", get(contacts))));
    registry.connect("hubspot", "acme");
    registry
}

/// Returns the stored contacts.
pub(crate) fn stored(registry: &Registry) -> Vec<Value> {
    let read = ["records", "hubspot", "HubspotContact", "--connection", "acme", "--limit", "10000", "--json"];
    registry.json(read)["records"].as_array().expect("records").clone()
}

pub(crate) const RUN: [&str; 6] = ["run", "hubspot", "contacts", "--connection", "acme", "--json"];

/// Starts a run and waits until some of its pages are stored.
pub(crate) fn start_and_wait_for_page(registry: &Registry) -> Running {
    let mut running = registry.start(RUN);
    running.wait_until("some pages", |_| stored(registry).len() >= 50);
    running
}

#[test]
fn ctrl_c_keeps_committed_pages_and_next_run_resumes() {
    let registry = connected();
    let running = start_and_wait_for_page(&registry);
    running.interrupt();
    let stopped = running.finish();
    assert_eq!(stopped.status, Some(130), "{}", stopped.stderr);
    let report = stopped.json();
    assert_eq!((&report["status"], &report["resumable"]), (&json!("interrupted"), &json!(true)));
    let committed = stored(&registry).len();
    assert!((50..400).contains(&committed), "{committed}");

    let report = registry.json(RUN);
    assert_eq!(report["status"], "success");
    let counts = &report["models"]["HubspotContact"];
    assert_eq!(counts["added"].as_u64(), Some(400 - committed as u64), "{report:#}");
    assert_eq!(
        (&counts["deleted"], &counts["unchanged"]),
        (&json!(0), &json!(0)),
        "it resumes at the cursor: {report:#}"
    );
    assert_eq!(stored(&registry).len(), 400);
}

#[cfg(target_os = "linux")]
#[test]
fn hangup_interrupts_run_unless_ignored() {
    let registry = connected();
    let running = start_and_wait_for_page(&registry);
    running.hang_up();
    let stopped = running.finish();
    assert_eq!((stopped.status, &stopped.json()["status"]), (Some(130), &json!("interrupted")), "{}", stopped.stderr);

    let mut ignoring = registry.start_under(&["nohup"], RUN);
    ignoring.wait_until("the run continues", |_| stored(&registry).len() >= 150);
    ignoring.hang_up();
    assert_eq!(ignoring.finish().expect(0).json()["status"], "success");
    assert_eq!(stored(&registry).len(), 400);
}

#[test]
fn run_reports_that_its_connection_was_removed() {
    let registry = connected();
    let running = start_and_wait_for_page(&registry);
    registry.run(["connection", "remove", "hubspot", "acme"]).expect(0);
    let stopped = running.finish();
    let report = stopped.json();
    assert_eq!(report["status"], "cancelled", "{report:#}");
    let message = report["error"]["message"].as_str().expect("a message");
    assert!(message.starts_with("the connection was removed during this run"), "{message}");
}

#[test]
fn killed_run_is_taken_over_after_lease_expiry() {
    let registry = connected();
    let running = start_and_wait_for_page(&registry);
    running.kill();
    running.finish();

    let next = registry.run(RUN).expect(0);
    assert!(
        next.stderr.contains("waiting at most ") && next.stderr.contains(" s for the lease to expire"),
        "{}",
        next.stderr
    );
    let report = next.json();
    assert_eq!(report["status"], "success", "{report:#}");
    assert_eq!(report["models"]["HubspotContact"]["deleted"], 0);
    assert_eq!(stored(&registry).len(), 400);
}

#[test]
fn second_run_is_refused_while_first_is_running() {
    let registry = connected();
    let mut running = registry.start(RUN);
    running.wait_until("a page", |_| !stored(&registry).is_empty());
    let second = registry.run(RUN);
    // The first run takes about as long as the second one waits for its heartbeat: it is still running, or it has
    // ended.
    match second.status {
        Some(1) => assert!(
            second.stderr.contains("already running") || second.stdout.contains("already running"),
            "{}",
            second.stderr
        ),
        Some(0) => assert_eq!(second.json()["models"]["HubspotContact"]["added"], 0),
        other => panic!("{other:?}: {}", second.stderr),
    }
    assert_eq!(running.finish().expect(0).json()["status"], "success");
    assert_eq!(stored(&registry).len(), 400);
}

#[test]
fn syncs_of_two_processes_share_one_database() {
    let registry = connected();
    registry.connect("hubspot", "other");
    let first = registry.start(RUN);
    let second = registry.start(["run", "hubspot", "contacts", "--connection", "other", "--json"]);
    for running in [first, second] {
        let report = running.finish().expect(0).json();
        assert_eq!(report["models"]["HubspotContact"]["added"], 400);
    }
}
