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

async fn with_a_newer_and_then_an_older_answer() -> House {
    let house = House::new().await;
    for (name, month) in [("new", "02"), ("old", "01")] {
        let thing = json!({ "id": 1, "name": name, "changedAt": format!("2026-{month}-01T00:00:00Z") });
        house.script.add("/dated", 200, &[], json!([thing]));
    }
    house
}

/// Added, updated, skipped.
async fn counts(house: &House, sync: &str) -> (u64, u64, u64) {
    let report = house.sync(sync).await;
    succeeded(&report);
    let counts = report.totals.models["DatedThing"];
    (counts.added, counts.updated, counts.skipped_older)
}

#[tokio::test]
async fn full_run_applies_an_older_record_when_the_run_before_returned_it_too() {
    let house = with_a_newer_and_then_an_older_answer().await;
    assert_eq!(counts(&house, "dated").await, (1, 0, 0));
    assert_eq!(counts(&house, "dated").await, (0, 0, 1));
    assert_eq!(counts(&house, "dated").await, (0, 1, 0));
}

#[tokio::test]
async fn incremental_run_never_applies_an_older_record() {
    let house = with_a_newer_and_then_an_older_answer().await;
    assert_eq!(counts(&house, "dated-since").await, (1, 0, 0));
    for _ in 0..3 {
        assert_eq!(counts(&house, "dated-since").await, (0, 0, 1));
    }
    assert!(house.asked().last().is_some_and(|asked| asked.starts_with("/dated?since=")));
}
