//! Mappers over records with a time of update.

use super::*;
use crate::prelude::*;

/// A thing with its time.
#[model(updated = "changed_at")]
struct DatedThing {
    /// Its id.
    id: u64,
    /// Its name.
    name: String,
    /// When it last changed.
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

async fn fixture_with_newer_then_older_response() -> House {
    let fixture = House::new().await;
    for (name, month) in [("new", "02"), ("old", "01")] {
        let thing = json!({ "id": 1, "name": name, "changedAt": format!("2026-{month}-01T00:00:00Z") });
        fixture.script.add("/dated", 200, &[], json!([thing]));
    }
    fixture
}

/// Added, updated, skipped.
async fn counts(fixture: &House, sync: &str) -> (u64, u64, u64) {
    let report = fixture.sync(sync).await;
    succeeded(&report);
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
    assert!(fixture.requests().last().is_some_and(|asked| asked.starts_with("/dated?since=")));
}
