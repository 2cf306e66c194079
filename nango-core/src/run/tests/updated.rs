//! Tests of mappers whose records have a time of update.

use super::*;
use crate::prelude::*;

/// Test record with a time of update.
#[model(updated = "changed_at")]
struct DatedThing {
    /// Id of the thing.
    id: u64,
    /// Name of the thing.
    name: String,
    /// Time of the last update.
    #[serde(rename = "changedAt")]
    changed_at: String,
}

#[sync(integration = "acme", model = "DatedThing", endpoint = "/dated")]
fn dated(thing: DatedThing) -> DatedThing {
    thing
}

#[sync(integration = "acme", model = "DatedThing", endpoint = "/dated", since(param = "since"))]
fn dated_since(thing: DatedThing) -> DatedThing {
    thing
}

async fn fixture_with_newer_then_older_response() -> Fixture {
    let fixture = Fixture::new().await;
    for (name, month) in [("new", "02"), ("old", "01")] {
        let thing = json!({ "id": 1, "name": name, "changedAt": format!("2026-{month}-01T00:00:00Z") });
        fixture.script.add("/dated", 200, &[], json!([thing]));
    }
    fixture
}

/// Returns the counts of added, updated and skipped records of a run.
async fn counts(fixture: &Fixture, sync: &str) -> (u64, u64, u64) {
    let report = fixture.sync(sync).await;
    assert_succeeded(&report);
    let counts = report.totals.models["DatedThing"];
    (counts.added, counts.updated, counts.skipped_older)
}

#[tokio::test]
async fn full_run_applies_an_older_record_when_the_run_before_returned_it_too() {
    let fixture = fixture_with_newer_then_older_response().await;
    assert_eq!(counts(&fixture, "dated").await, (1, 0, 0));
    assert_eq!(counts(&fixture, "dated").await, (0, 0, 1));
    assert_eq!(counts(&fixture, "dated").await, (0, 1, 0));
}

#[tokio::test]
async fn incremental_run_never_applies_an_older_record() {
    let fixture = fixture_with_newer_then_older_response().await;
    assert_eq!(counts(&fixture, "dated-since").await, (1, 0, 0));
    for _ in 0..3 {
        assert_eq!(counts(&fixture, "dated-since").await, (0, 0, 1));
    }
    assert!(fixture.requests().last().is_some_and(|target| target.starts_with("/dated?since=")));
}
