//! Tests of deletes by mapper syncs: from the first walk that misses a record to its tombstone.

use super::*;
use crate::{
    paginate::{Gap, WalkOutcome},
    store::{HeldBy, NextFullRun},
};

fn things(ids: impl IntoIterator<Item = u64>) -> Value {
    ids.into_iter().map(|id| json!({ "id": id, "name": "t" })).collect()
}

impl Fixture {
    /// Adds responses for two pages of `/numbered`.
    fn serve_numbered_pages(&self, first: &[u64], second: &[u64]) {
        for (ids, more) in [(first, true), (second, false)] {
            let body = json!({ "items": things(ids.iter().copied()), "more": more });
            self.script.add("/numbered", 200, &[], body);
        }
    }
}

#[tokio::test]
async fn record_missed_by_two_position_based_walks_is_deleted() {
    let fixture = Fixture::new().await;
    fixture.serve_numbered_pages(&[1, 2], &[3]);
    assert_succeeded(&fixture.sync("by-page").await);
    fixture.serve_numbered_pages(&[1], &[3]);
    let once = fixture.sync("by-page").await;
    let waiting = &once.findings.deferred_deletes["Thing"];
    assert_eq!((waiting.unconfirmed, waiting.held, waiting.next_full), (1, 0, NextFullRun::NextRun));
    assert_eq!(fixture.live("Thing").await, ["1", "2", "3"]);
    fixture.serve_numbered_pages(&[1], &[3]);
    let twice = fixture.sync("by-page").await;
    assert!(twice.findings.deferred_deletes.is_empty(), "{:?}", twice.findings);
    assert_eq!(fixture.live("Thing").await, ["1", "3"]);
}

#[tokio::test]
async fn shift_is_reported_and_requires_one_more_walk() {
    let fixture = Fixture::new().await;
    fixture.serve_numbered_pages(&[1, 2], &[3, 4]);
    assert_succeeded(&fixture.sync("by-page").await);
    // Record 2 moved to the second page during the walk, because a record was added before it.
    fixture.serve_numbered_pages(&[9, 2], &[2, 3]);
    let report = fixture.sync("by-page").await;
    assert!(report.findings.walk.as_ref().is_some_and(|end| end.shifted && end.outcome.is_complete()));
    for (walks, live) in [(2, true), (3, false)] {
        fixture.serve_numbered_pages(&[9, 2], &[3]);
        assert_succeeded(&fixture.sync("by-page").await);
        assert_eq!(fixture.live("Thing").await.contains(&"4".to_owned()), live, "after {walks} walks");
    }
}

#[tokio::test]
async fn empty_list_against_live_records_is_held_until_allow_deletes_lifts_the_guard() {
    let fixture = Fixture::new().await;
    fixture.script.add("/things", 200, &[], things(1..=3));
    assert_succeeded(&fixture.sync("lenient").await);
    fixture.script.add("/things", 200, &[], json!([]));
    let outcome = fixture.sync("lenient").await;
    let waiting = &outcome.findings.deferred_deletes["Thing"];
    assert_eq!((waiting.held, waiting.held_by), (3, Some(HeldBy::Guard)));
    let logs = fixture.runtime.store.logs(outcome.run).await.unwrap();
    assert!(logs.iter().any(|line| line.message.contains("3 deletes of `Thing` are held")), "{logs:?}");
    assert_eq!(fixture.live("Thing").await.len(), 3);
    assert_succeeded(&fixture.sync("lenient").await);
    assert_eq!(fixture.live("Thing").await.len(), 3, "the hour has not passed");
    let allowed = RunRequest { allow_deletes: true, ..Fixture::request(Target::Sync("lenient".into())) };
    assert_succeeded(&fixture.run(allowed).await.unwrap());
    assert!(fixture.live("Thing").await.is_empty());
}

#[tokio::test]
async fn nothing_is_deleted_when_more_than_max_deletes_are_missing() {
    let fixture = Fixture::new().await;
    fixture.script.add("/things", 200, &[], things(1..=10));
    assert_succeeded(&fixture.sync("at-most-a-fifth").await);
    fixture.script.add("/things", 200, &[], things(1..=7));
    let report = fixture.sync("at-most-a-fifth").await;
    assert_eq!(report.findings.deferred_deletes["Thing"].held_by, Some(HeldBy::MaxDeletes));
    assert_eq!(fixture.live("Thing").await.len(), 10);
    fixture.script.add("/things", 200, &[], things(1..=8));
    assert_succeeded(&fixture.sync("at-most-a-fifth").await);
    assert_eq!(fixture.live("Thing").await.len(), 8);
}

#[tokio::test]
async fn requests_confirm_keep_update_or_delete_missed_records() {
    let fixture = Fixture::new().await;
    fixture.script.add("/things", 200, &[], things(1..=6));
    assert_succeeded(&fixture.sync("confirmed").await);
    fixture.script.add("/things", 200, &[], things([1]));
    fixture.script.add("/things/2", 404, &[], json!({}));
    fixture.script.add("/things/3", 200, &[], json!({ "thing": { "id": 3, "name": "changed" } }));
    fixture.script.add("/things/4", 200, &[], json!({ "thing": { "id": 4, "name": "hidden" } }));
    fixture.script.add("/things/5", 200, &[], json!({ "thing": { "id": 5, "name": 7 } }));
    fixture.script.add("/things/6", 410, &[], json!({}));
    let report = fixture.sync("confirmed").await;
    assert_succeeded(&report);
    assert_eq!(fixture.live("Thing").await, ["1", "5", "3"], "{:?}", fixture.requests());
    assert_eq!(report.findings.deferred_deletes["Thing"].unconfirmed, 1);
}

#[tokio::test]
async fn refused_request_stops_the_confirmations_of_the_run() {
    let fixture = Fixture::new().await;
    fixture.script.add("/things", 200, &[], things(1..=3));
    assert_succeeded(&fixture.sync("confirmed").await);
    fixture.script.add("/things", 200, &[], things([1]));
    fixture.script.add("/things/2", 403, &[], json!({}));
    fixture.script.add("/things/2", 404, &[], json!({}));
    fixture.script.add("/things/3", 404, &[], json!({}));
    let report = fixture.sync("confirmed").await;
    assert_succeeded(&report);
    assert_eq!(fixture.requests().last().map(String::as_str), Some("/things/2"));
    assert_eq!(fixture.live("Thing").await, ["1", "2", "3"]);
    assert_succeeded(&fixture.sync("confirmed").await);
    assert_eq!(fixture.live("Thing").await, ["1"]);
}

#[tokio::test]
async fn candidate_makes_the_next_run_of_an_incremental_sync_full() {
    let fixture = Fixture::new().await;
    // The first two runs are full: each window of a position-based walk is read twice.
    for _ in 0..2 {
        fixture.serve_numbered_pages(&[1, 2], &[3]);
        assert_succeeded(&fixture.sync("changed-by-page").await);
    }
    let sends_since = |fixture: &Fixture| fixture.requests().iter().rev().take(2).all(|line| line.contains("since="));
    fixture.serve_numbered_pages(&[1], &[]);
    assert_succeeded(&fixture.sync("changed-by-page").await);
    assert!(sends_since(&fixture), "{:?}", fixture.requests());
    assert_eq!(fixture.live("Thing").await, ["1", "2", "3"], "a run that reads only changes deletes nothing");
    let full = RunRequest { full: true, ..Fixture::request(Target::Sync("changed-by-page".into())) };
    fixture.serve_numbered_pages(&[1], &[3]);
    let forced = fixture.run(full).await.unwrap();
    assert_eq!(forced.findings.deferred_deletes["Thing"].next_full, NextFullRun::NextRun);
    assert!(!sends_since(&fixture), "{:?}", fixture.requests());
    fixture.serve_numbered_pages(&[1], &[3]);
    assert_succeeded(&fixture.sync("changed-by-page").await);
    assert!(!sends_since(&fixture), "the full run is early: {:?}", fixture.requests());
    assert_eq!(fixture.live("Thing").await, ["1", "3"]);
    fixture.serve_numbered_pages(&[1], &[]);
    assert_succeeded(&fixture.sync("changed-by-page").await);
    assert!(sends_since(&fixture), "{:?}", fixture.requests());
}

#[tokio::test]
async fn page_on_another_origin_deletes_nothing_and_names_both_origins() {
    let fixture = Fixture::new().await;
    fixture.script.add(SPACE, 200, &[], json!({ "items": things([1, 2]), "next": null }));
    assert_succeeded(&fixture.sync("by-cursor").await);
    fixture.script.add(SPACE, 302, &[("location", "https://other.test/things")], json!({}));
    fixture.script.add("/things", 200, &[], json!({ "items": [] }));
    let report = fixture.sync("by-cursor").await;
    assert_succeeded(&report);
    let end = report.findings.walk.clone().map(|end| end.outcome);
    let expect = Gap::OtherOrigin { own: "https://api.acme.test".into(), other: "https://other.test".into() };
    assert_eq!(end, Some(WalkOutcome::Incomplete(expect)));
    assert_eq!(fixture.live("Thing").await, ["1", "2"]);
    let logs = fixture.runtime.store.logs(report.run).await.unwrap();
    let named = logs.iter().any(|line| line.message.contains("trusted_origins = [\"https://other.test\"]"));
    assert!(named, "{logs:?}");
}

const SPACE: &str = "/spaces/a%20b%2Fc/things";
