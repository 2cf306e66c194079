//! The one loop: pages, resuming, deletes, `since`, `on_invalid`.

use super::*;
use crate::store::RunStatus;

fn thing(id: u64) -> Value {
    json!({ "id": id, "name": format!("thing {id}"), "updated_at": format!("2026-01-01T00:00:{id:02}Z") })
}

fn page(ids: impl IntoIterator<Item = u64>, next: Option<&str>) -> Value {
    json!({ "items": ids.into_iter().map(thing).collect::<Vec<_>>(), "next": next })
}

const SPACE: &str = "/spaces/a%20b%2Fc/things";

#[tokio::test]
async fn all_pages_are_saved_and_what_is_gone_is_deleted() {
    let house = House::new().await;
    house.script.add(SPACE, 200, &[], page([1, 2], Some("x")));
    house.script.add(SPACE, 200, &[], page([3], None));
    house.script.add(SPACE, 200, &[], page([1, 3], None));
    let first = house.sync("by-cursor").await;
    succeeded(&first);
    let counts = first.totals.models["Thing"];
    assert_eq!((counts.added, first.totals.pages, first.totals.requests), (3, 2, 2));
    assert_eq!(house.asked(), [SPACE.to_owned(), format!("{SPACE}?after=x")]);

    let second = house.sync("by-cursor").await;
    let counts = second.totals.models["Thing"];
    assert_eq!((counts.unchanged, counts.deleted), (2, 1));
    assert_eq!(house.live("Thing").await, ["1", "3"]);
}

#[tokio::test]
async fn an_interrupted_walk_goes_on_by_its_cursor_and_deletes_only_what_both_parts_missed() {
    let house = House::new().await;
    house.script.add(SPACE, 200, &[], page([1, 2, 9], None));
    house.sync("by-cursor").await;

    house.script.add(SPACE, 200, &[], page([1], Some("x")));
    house.script.add(SPACE, 500, &[], json!({ "message": "down" }));
    let broken = house.sync("by-cursor").await;
    assert_eq!(broken.status, RunStatus::Error);
    assert!(broken.resumable, "{broken:?}");
    assert_eq!(house.live("Thing").await.len(), 3, "a walk that did not end deletes nothing");

    house.script.add(SPACE, 200, &[], page([2], None));
    let ended = house.sync("by-cursor").await;
    succeeded(&ended);
    assert!(house.asked().last().is_some_and(|asked| asked.ends_with("?after=x")), "{:?}", house.asked());
    assert_eq!(house.live("Thing").await, ["1", "2"], "1 was seen by the first part, 2 by the second");
    assert!(!ended.resumable);
}

#[tokio::test]
async fn a_place_that_the_provider_forgot_starts_the_walk_over() {
    let house = House::new().await;
    house.script.add(SPACE, 200, &[], page([1], Some("x")));
    house.script.add(SPACE, 500, &[], json!({}));
    house.sync("by-cursor").await;
    house.script.add(SPACE, 410, &[], json!({ "message": "expired" }));
    house.script.add(SPACE, 200, &[], page([1, 2], None));
    let ended = house.sync("by-cursor").await;
    succeeded(&ended);
    let asked = house.asked();
    assert_eq!(asked[asked.len() - 2..], [format!("{SPACE}?after=x"), SPACE.to_owned()]);
    assert_eq!(house.live("Thing").await, ["1", "2"]);
}

#[tokio::test]
async fn the_scan_of_another_walk_is_not_taken_for_that_of_the_interrupted_one() {
    let house = House::new().await;
    house.script.add(SPACE, 200, &[], page([1, 2], Some("x")));
    house.script.add(SPACE, 500, &[], json!({}));
    assert!(house.sync("by-cursor").await.resumable);

    // A walk of another endpoint opens a scan of its own and fails at once.
    house.script.add("/spaces/other/things", 500, &[], json!({}));
    let other = serde_json::from_value(json!({ "space": "other" })).unwrap();
    let request = RunRequest { metadata: Some(other), ..House::request(Target::Sync("by-cursor".into())) };
    assert_eq!(house.run(request).await.unwrap().status, RunStatus::Error);

    house.script.add(SPACE, 200, &[], page([1, 2], Some("x")));
    house.script.add(SPACE, 200, &[], page([3], None));
    let ended = house.sync("by-cursor").await;
    succeeded(&ended);
    assert_eq!(house.live("Thing").await, ["1", "2", "3"], "{:?}", house.asked());
}

#[tokio::test]
async fn an_interrupted_walk_over_offsets_starts_at_the_first_page() {
    let house = House::new().await;
    house.script.add("/things", 200, &[], json!([thing(1), thing(2)]));
    house.script.add("/things", 500, &[], json!({}));
    house.script.add("/things", 200, &[], json!([thing(2)]));
    house.script.add("/things", 200, &[], json!([]));
    assert_eq!(house.sync("by-offset").await.status, RunStatus::Error);
    let ended = house.sync("by-offset").await;
    succeeded(&ended);
    let asked = house.asked();
    assert_eq!(asked[..3], ["/things?take=2&skip=0", "/things?take=2&skip=2", "/things?take=2&skip=0"]);
    assert_eq!(asked[3..], ["/things?take=2&skip=1"], "a short page proves nothing");
    assert_eq!(house.live("Thing").await, ["1", "2"], "one walk of several requests does not confirm a delete");

    house.script.add("/things", 200, &[], json!([thing(2)]));
    house.script.add("/things", 200, &[], json!([]));
    succeeded(&house.sync("by-offset").await);
    assert_eq!(house.live("Thing").await, ["2"]);
}

#[tokio::test]
async fn a_record_that_does_not_fit_fails_the_run_and_its_page() {
    let house = House::new().await;
    house.script.add("/things", 200, &[], json!([thing(1), { "id": 2, "name": 7 }]));
    let report = house.sync("by-offset").await;
    let error = report.error.expect("an error").to_string();
    for part in ["record 2 of page 1", "`Thing`", "name"] {
        assert!(error.contains(part), "no {part} in {error}");
    }
    assert!(house.records("Thing").await.is_empty());
}

#[tokio::test]
async fn a_record_that_does_not_fit_is_left_out_where_the_sync_says_so_and_then_nothing_is_deleted() {
    let house = House::new().await;
    house.script.add("/things", 200, &[], json!([thing(1), thing(2)]));
    house.sync("lenient").await;
    house.script.add("/things", 200, &[], json!([{ "name": "x" }, thing(2)]));
    let report = house.sync("lenient").await;
    succeeded(&report);
    assert_eq!(report.totals.left_out, 1);
    assert_eq!(house.live("Thing").await, ["1", "2"]);
    assert_eq!(report.findings.walk.map(|end| end.outcome.reason()), Some("record_without_id"));
    let logs = house.instance.store.logs(report.run).await.unwrap();
    assert!(logs.iter().any(|line| line.message.starts_with("left out: record 1 of page 1")), "{logs:?}");

    house.script.add("/things", 200, &[], json!([{ "id": 3, "name": "refused" }]));
    let report = house.sync("lenient").await;
    assert_eq!(report.status, RunStatus::Error, "an error of the mapper itself is no misfit");
}

#[tokio::test]
async fn record_that_does_not_fit_counts_as_seen_when_its_id_can_be_read() {
    let house = House::new().await;
    house.script.add("/things", 200, &[], json!([thing(1), thing(2), thing(3)]));
    house.sync("lenient").await;
    house.script.add("/things", 200, &[], json!([{ "id": 1, "name": 7 }, thing(2)]));
    let report = house.sync("lenient").await;
    succeeded(&report);
    assert!(report.findings.walk.is_some_and(|end| end.outcome.is_complete()));
    assert_eq!(house.live("Thing").await, ["1", "2"], "3 is missing, 1 is there although it does not fit");
}

#[tokio::test]
async fn id_of_a_record_that_does_not_fit_is_not_trusted_when_no_other_record_shows_it() {
    let house = House::new().await;
    house.script.add("/things", 200, &[], json!([thing(1), thing(2)]));
    house.sync("lenient").await;
    house.script.add("/things", 200, &[], json!([{ "id": 1, "name": 7 }]));
    let report = house.sync("lenient").await;
    assert_eq!(report.findings.walk.map(|end| end.outcome.reason()), Some("record_without_id"));
    assert_eq!(house.live("Thing").await, ["1", "2"]);
}

#[tokio::test]
async fn since_asks_for_what_changed_after_the_last_complete_run() {
    let house = House::new().await;
    house.script.add("/things", 200, &[], json!([thing(5), thing(9), thing(7)]));
    for _ in 0..2 {
        succeeded(&house.sync("changed-since").await);
    }
    assert_eq!(house.asked(), ["/things", "/things?since=2025-12-31T23:58:09Z"]);

    let reset = RunRequest { reset: true, ..House::request(Target::Sync("changed-since".into())) };
    succeeded(&house.run(reset).await.unwrap());
    assert_eq!(house.asked()[2], "/things");
}

#[tokio::test]
async fn a_record_without_its_moment_is_named_with_its_place() {
    let house = House::new().await;
    let late = json!({ "id": 2, "name": "t", "updated_at": null });
    house.script.add("/things", 200, &[], json!([thing(1), late]));
    let error = house.sync("changed-since").await.error.expect("an error").to_string();
    for part in ["record 2 of page 1", "`Thing`", "`updated_at`"] {
        assert!(error.contains(part), "no {part} in {error}");
    }
}

#[tokio::test]
async fn since_by_the_providers_clock_takes_its_date_at_the_first_answer_of_the_walk() {
    let house = House::new().await;
    let date = |seconds: &str| format!("Thu, 01 Jan 1970 00:00:{seconds} GMT");
    house.script.add("/things", 200, &[("date", &date("10"))], page([1], Some("x")));
    house.script.add("/things", 500, &[], json!({}));
    assert_eq!(house.sync("changed-by-clock").await.status, RunStatus::Error);
    house.script.add("/things", 200, &[("date", &date("50"))], page([2], None));
    succeeded(&house.sync("changed-by-clock").await);
    assert_eq!(house.asked()[2], "/things?after=x", "the second attempt goes on by the cursor");
    succeeded(&house.sync("changed-by-clock").await);
    assert_eq!(house.asked()[3], "/things?since=10", "the first attempt began the logical run");
}

#[tokio::test]
async fn an_async_mapper_may_ask_more_and_keeps_the_order() {
    let house = House::new().await;
    house.script.add("/things", 200, &[], json!([thing(1), thing(2), thing(3)]));
    for id in 1..=3 {
        house.script.add(&format!("/things/{id}"), 200, &[], json!({ "surname": format!("of {id}") }));
    }
    let report = house.sync("enriched").await;
    succeeded(&report);
    assert_eq!(report.totals.requests, 4);
    assert_eq!(house.live("Thing").await, ["1", "2", "3"]);
}

#[tokio::test]
async fn metadata_that_does_not_fill_the_endpoint_says_how_to_set_it() {
    let house = House::without_connection().await;
    house.connect(json!({})).await.unwrap();
    let error = house.sync("by-cursor").await.error.expect("an error").to_string();
    for part in ["space", "registry connection set-metadata acme one"] {
        assert!(error.contains(part), "no {part} in {error}");
    }
}
