//! From a record that a walk did not see to its tombstone, through the mapper loop.

use super::*;
use crate::{
    paginate::{Gap, WalkOutcome},
    store::{HeldBy, NextFullRun},
};

fn things(ids: impl IntoIterator<Item = u64>) -> Value {
    ids.into_iter().map(|id| json!({ "id": id, "name": "t" })).collect()
}

impl House {
    /// Two pages of `/numbered`, each once.
    fn numbered(&self, first: &[u64], second: &[u64]) {
        for (ids, more) in [(first, true), (second, false)] {
            let body = json!({ "items": things(ids.iter().copied()), "more": more });
            self.script.add("/numbered", 200, &[], body);
        }
    }
}

#[tokio::test]
async fn position_based_walks_delete_what_two_in_a_row_missed() {
    let house = House::new().await;
    house.numbered(&[1, 2], &[3]);
    succeeded(&house.sync("by-page").await);
    house.numbered(&[1], &[3]);
    let once = house.sync("by-page").await;
    let waiting = &once.findings.waiting["Thing"];
    assert_eq!((waiting.unconfirmed, waiting.held, waiting.next_full), (1, 0, NextFullRun::NextRun));
    assert_eq!(house.live("Thing").await, ["1", "2", "3"]);
    house.numbered(&[1], &[3]);
    let twice = house.sync("by-page").await;
    assert!(twice.findings.waiting.is_empty(), "{:?}", twice.findings);
    assert_eq!(house.live("Thing").await, ["1", "3"]);
}

#[tokio::test]
async fn shift_is_reported_and_asks_for_one_more_walk() {
    let house = House::new().await;
    house.numbered(&[1, 2], &[3, 4]);
    succeeded(&house.sync("by-page").await);
    // 2 moved to the second page while the list was read: something was added before it.
    house.numbered(&[9, 2], &[2, 3]);
    let report = house.sync("by-page").await;
    assert!(report.findings.walk.as_ref().is_some_and(|end| end.shifted && end.outcome.is_complete()));
    for (walks, live) in [(2, true), (3, false)] {
        house.numbered(&[9, 2], &[3]);
        succeeded(&house.sync("by-page").await);
        assert_eq!(house.live("Thing").await.contains(&"4".to_owned()), live, "after {walks} walks");
    }
}

#[tokio::test]
async fn empty_list_against_live_records_is_held_until_allow_deletes_lifts_the_guard() {
    let house = House::new().await;
    house.script.add("/things", 200, &[], things(1..=3));
    succeeded(&house.sync("lenient").await);
    house.script.add("/things", 200, &[], json!([]));
    let held = house.sync("lenient").await;
    let waiting = &held.findings.waiting["Thing"];
    assert_eq!((waiting.held, waiting.held_by), (3, Some(HeldBy::Guard)));
    let logs = house.instance.store.logs(held.run).await.unwrap();
    assert!(logs.iter().any(|line| line.message.contains("3 deletes of `Thing` are held")), "{logs:?}");
    assert_eq!(house.live("Thing").await.len(), 3);
    succeeded(&house.sync("lenient").await);
    assert_eq!(house.live("Thing").await.len(), 3, "the hour is not over");
    let allowed = RunRequest { allow_deletes: true, ..House::request(Target::Sync("lenient".into())) };
    succeeded(&house.run(allowed).await.unwrap());
    assert!(house.live("Thing").await.is_empty());
}

#[tokio::test]
async fn max_deletes_deletes_none_when_more_are_missing() {
    let house = House::new().await;
    house.script.add("/things", 200, &[], things(1..=10));
    succeeded(&house.sync("at-most-a-fifth").await);
    house.script.add("/things", 200, &[], things(1..=7));
    let report = house.sync("at-most-a-fifth").await;
    assert_eq!(report.findings.waiting["Thing"].held_by, Some(HeldBy::MaxDeletes));
    assert_eq!(house.live("Thing").await.len(), 10);
    house.script.add("/things", 200, &[], things(1..=8));
    succeeded(&house.sync("at-most-a-fifth").await);
    assert_eq!(house.live("Thing").await.len(), 8);
}

#[tokio::test]
async fn requests_confirm_keep_update_and_delete_what_a_walk_missed() {
    let house = House::new().await;
    house.script.add("/things", 200, &[], things(1..=6));
    succeeded(&house.sync("confirmed").await);
    house.script.add("/things", 200, &[], things([1]));
    house.script.add("/things/2", 404, &[], json!({}));
    house.script.add("/things/3", 200, &[], json!({ "thing": { "id": 3, "name": "changed" } }));
    house.script.add("/things/4", 200, &[], json!({ "thing": { "id": 4, "name": "hidden" } }));
    house.script.add("/things/5", 200, &[], json!({ "thing": { "id": 5, "name": 7 } }));
    house.script.add("/things/6", 410, &[], json!({}));
    let report = house.sync("confirmed").await;
    succeeded(&report);
    assert_eq!(house.live("Thing").await, ["1", "5", "3"], "{:?}", house.asked());
    assert_eq!(report.findings.waiting["Thing"].unconfirmed, 1);
}

#[tokio::test]
async fn refused_request_stops_the_confirmations_of_the_run() {
    let house = House::new().await;
    house.script.add("/things", 200, &[], things(1..=3));
    succeeded(&house.sync("confirmed").await);
    house.script.add("/things", 200, &[], things([1]));
    house.script.add("/things/2", 403, &[], json!({}));
    house.script.add("/things/2", 404, &[], json!({}));
    house.script.add("/things/3", 404, &[], json!({}));
    let report = house.sync("confirmed").await;
    succeeded(&report);
    assert_eq!(house.asked().last().map(String::as_str), Some("/things/2"));
    assert_eq!(house.live("Thing").await, ["1", "2", "3"]);
    succeeded(&house.sync("confirmed").await);
    assert_eq!(house.live("Thing").await, ["1"]);
}

#[tokio::test]
async fn candidate_brings_the_next_full_run_of_an_incremental_sync_forward() {
    let house = House::new().await;
    // The first two runs are full: each window of a position-based walk is read twice.
    for _ in 0..2 {
        house.numbered(&[1, 2], &[3]);
        succeeded(&house.sync("changed-by-page").await);
    }
    let asks_since = |house: &House| house.asked().iter().rev().take(2).all(|line| line.contains("since="));
    house.numbered(&[1], &[]);
    succeeded(&house.sync("changed-by-page").await);
    assert!(asks_since(&house), "{:?}", house.asked());
    assert_eq!(house.live("Thing").await, ["1", "2", "3"], "a run that reads only changes deletes nothing");
    let full = RunRequest { full: true, ..House::request(Target::Sync("changed-by-page".into())) };
    house.numbered(&[1], &[3]);
    let forced = house.run(full).await.unwrap();
    assert_eq!(forced.findings.waiting["Thing"].next_full, NextFullRun::NextRun);
    assert!(!asks_since(&house), "{:?}", house.asked());
    house.numbered(&[1], &[3]);
    succeeded(&house.sync("changed-by-page").await);
    assert!(!asks_since(&house), "the run was brought forward: {:?}", house.asked());
    assert_eq!(house.live("Thing").await, ["1", "3"]);
    house.numbered(&[1], &[]);
    succeeded(&house.sync("changed-by-page").await);
    assert!(asks_since(&house), "{:?}", house.asked());
}

#[tokio::test]
async fn page_on_another_origin_deletes_nothing_and_names_both_origins() {
    let house = House::new().await;
    house.script.add(SPACE, 200, &[], json!({ "items": things([1, 2]), "next": null }));
    succeeded(&house.sync("by-cursor").await);
    house.script.add(SPACE, 302, &[("location", "https://other.test/things")], json!({}));
    house.script.add("/things", 200, &[], json!({ "items": [] }));
    let report = house.sync("by-cursor").await;
    succeeded(&report);
    let end = report.findings.walk.clone().map(|end| end.outcome);
    let expect = Gap::OtherOrigin { own: "https://api.acme.test".into(), other: "https://other.test".into() };
    assert_eq!(end, Some(WalkOutcome::Incomplete(expect)));
    assert_eq!(house.live("Thing").await, ["1", "2"]);
    let logs = house.instance.store.logs(report.run).await.unwrap();
    let named = logs.iter().any(|line| line.message.contains("trusted_origins = [\"https://other.test\"]"));
    assert!(named, "{logs:?}");
}

const SPACE: &str = "/spaces/a%20b%2Fc/things";
