//! Tests of mapper syncs: pages, resumption, deletes, `since`, `on_invalid`.

use super::*;
use crate::{error::Remedy, store::RunStatus};

fn thing(id: u64) -> Value {
    json!({ "id": id, "name": format!("thing {id}"), "updated_at": format!("2026-01-01T00:00:{id:02}Z") })
}

fn page(ids: impl IntoIterator<Item = u64>, next: Option<&str>) -> Value {
    json!({ "items": ids.into_iter().map(thing).collect::<Vec<_>>(), "next": next })
}

const SPACE: &str = "/spaces/a%20b%2Fc/things";

#[tokio::test]
async fn mapper_saves_all_pages_and_deletes_missing_records() {
    let fixture = Fixture::new().await;
    fixture.script.add(SPACE, 200, &[], page([1, 2], Some("x")));
    fixture.script.add(SPACE, 200, &[], page([3], None));
    fixture.script.add(SPACE, 200, &[], page([1, 3], None));
    let first = fixture.sync("by-cursor").await;
    assert_succeeded(&first);
    let counts = first.totals.models["Thing"];
    assert_eq!((counts.added, first.totals.pages, first.totals.requests), (3, 2, 2));
    assert_eq!(fixture.requests(), [SPACE.to_owned(), format!("{SPACE}?after=x")]);

    let second = fixture.sync("by-cursor").await;
    let counts = second.totals.models["Thing"];
    assert_eq!((counts.unchanged, counts.deleted), (2, 1));
    assert_eq!(fixture.live("Thing").await, ["1", "3"]);
}

#[tokio::test]
async fn interrupted_walk_resumes_and_deletes_only_what_both_parts_missed() {
    let fixture = Fixture::new().await;
    fixture.script.add(SPACE, 200, &[], page([1, 2, 9], None));
    fixture.sync("by-cursor").await;

    fixture.script.add(SPACE, 200, &[], page([1], Some("x")));
    fixture.script.add(SPACE, 500, &[], json!({ "message": "down" }));
    let broken = fixture.sync("by-cursor").await;
    assert_eq!(broken.status, RunStatus::Error);
    assert!(broken.resumable, "{broken:?}");
    assert_eq!(fixture.live("Thing").await.len(), 3, "an interrupted walk deletes nothing");

    fixture.script.add(SPACE, 200, &[], page([2], None));
    let ended = fixture.sync("by-cursor").await;
    assert_succeeded(&ended);
    assert!(fixture.requests().last().is_some_and(|target| target.ends_with("?after=x")), "{:?}", fixture.requests());
    assert_eq!(fixture.live("Thing").await, ["1", "2"], "1 was seen by the first part, 2 by the second");
    assert!(!ended.resumable);
}

#[tokio::test]
async fn resume_point_refused_by_provider_restarts_the_walk() {
    let fixture = Fixture::new().await;
    fixture.script.add(SPACE, 200, &[], page([1], Some("x")));
    fixture.script.add(SPACE, 500, &[], json!({}));
    fixture.sync("by-cursor").await;
    fixture.script.add(SPACE, 410, &[], json!({ "message": "expired" }));
    fixture.script.add(SPACE, 200, &[], page([1, 2], None));
    let ended = fixture.sync("by-cursor").await;
    assert_succeeded(&ended);
    let targets = fixture.requests();
    assert_eq!(targets[targets.len() - 2..], [format!("{SPACE}?after=x"), SPACE.to_owned()]);
    assert_eq!(fixture.live("Thing").await, ["1", "2"]);
}

#[tokio::test]
async fn interrupted_walk_does_not_resume_scan_of_another_walk() {
    let fixture = Fixture::new().await;
    fixture.script.add(SPACE, 200, &[], page([1, 2], Some("x")));
    fixture.script.add(SPACE, 500, &[], json!({}));
    assert!(fixture.sync("by-cursor").await.resumable);

    // A walk of another endpoint opens its own scan and fails immediately.
    fixture.script.add("/spaces/other/things", 500, &[], json!({}));
    let other = serde_json::from_value(json!({ "space": "other" })).unwrap();
    let request = RunRequest { metadata: Some(other), ..Fixture::request(Target::Sync("by-cursor".into())) };
    assert_eq!(fixture.run(request).await.unwrap().status, RunStatus::Error);

    fixture.script.add(SPACE, 200, &[], page([1, 2], Some("x")));
    fixture.script.add(SPACE, 200, &[], page([3], None));
    let ended = fixture.sync("by-cursor").await;
    assert_succeeded(&ended);
    assert_eq!(fixture.live("Thing").await, ["1", "2", "3"], "{:?}", fixture.requests());
}

#[tokio::test]
async fn interrupted_offset_walk_starts_over_at_the_first_page() {
    let fixture = Fixture::new().await;
    fixture.script.add("/things", 200, &[], json!([thing(1), thing(2)]));
    fixture.script.add("/things", 500, &[], json!({}));
    fixture.script.add("/things", 200, &[], json!([thing(2)]));
    fixture.script.add("/things", 200, &[], json!([]));
    assert_eq!(fixture.sync("by-offset").await.status, RunStatus::Error);
    let ended = fixture.sync("by-offset").await;
    assert_succeeded(&ended);
    let targets = fixture.requests();
    assert_eq!(targets[..3], ["/things?take=2&skip=0", "/things?take=2&skip=2", "/things?take=2&skip=0"]);
    assert_eq!(targets[3..], ["/things?take=2&skip=1"], "a short page is not evidence of the end");
    assert_eq!(fixture.live("Thing").await, ["1", "2"], "one walk of several requests does not confirm a delete");

    fixture.script.add("/things", 200, &[], json!([thing(2)]));
    fixture.script.add("/things", 200, &[], json!([]));
    assert_succeeded(&fixture.sync("by-offset").await);
    assert_eq!(fixture.live("Thing").await, ["2"]);
}

#[tokio::test]
async fn record_that_does_not_fit_fails_the_run_and_its_page() {
    let fixture = Fixture::new().await;
    fixture.script.add("/things", 200, &[], json!([thing(1), { "id": 2, "name": 7 }]));
    let report = fixture.sync("by-offset").await;
    let error = report.error.expect("an error").to_string();
    for part in ["record 2 of page 1 of GET https://api.acme.test/things: the record does not fit `ApiThing`", "name"] {
        assert!(error.contains(part), "no {part} in {error}");
    }
    assert!(fixture.records("Thing").await.is_empty());
}

#[tokio::test]
async fn invalid_record_is_skipped_with_on_invalid_skip_and_nothing_is_deleted() {
    let fixture = Fixture::new().await;
    fixture.script.add("/things", 200, &[], json!([thing(1), thing(2)]));
    fixture.sync("lenient").await;
    fixture.script.add("/things", 200, &[], json!([{ "name": "x" }, thing(2)]));
    let report = fixture.sync("lenient").await;
    assert_succeeded(&report);
    assert_eq!(report.totals.skipped_invalid, 1);
    assert_eq!(fixture.live("Thing").await, ["1", "2"]);
    assert_eq!(report.findings.walk.map(|end| end.outcome.reason()), Some("record_without_id"));
    let logs = fixture.runtime.store.logs(report.run).await.unwrap();
    assert!(logs.iter().any(|line| line.message.starts_with("skipped: record 1 of page 1")), "{logs:?}");

    fixture.script.add("/things", 200, &[], json!([{ "id": 3, "name": "refused" }]));
    let report = fixture.sync("lenient").await;
    assert_eq!(report.status, RunStatus::Error, "an error of the mapper itself is not skipped");
}

#[tokio::test]
async fn record_that_does_not_fit_counts_as_seen_when_its_id_can_be_read() {
    let fixture = Fixture::new().await;
    fixture.script.add("/things", 200, &[], json!([thing(1), thing(2), thing(3)]));
    fixture.sync("lenient").await;
    fixture.script.add("/things", 200, &[], json!([{ "id": 1, "name": 7 }, thing(2)]));
    let report = fixture.sync("lenient").await;
    assert_succeeded(&report);
    assert!(report.findings.walk.is_some_and(|end| end.outcome.is_complete()));
    assert_eq!(fixture.live("Thing").await, ["1", "2"], "3 is missing, 1 exists although it does not fit");
}

#[tokio::test]
async fn id_of_an_invalid_record_is_not_used_when_no_valid_record_confirms_it() {
    let fixture = Fixture::new().await;
    fixture.script.add("/things", 200, &[], json!([thing(1), thing(2)]));
    fixture.sync("lenient").await;
    fixture.script.add("/things", 200, &[], json!([{ "id": 1, "name": 7 }]));
    let report = fixture.sync("lenient").await;
    assert_eq!(report.findings.walk.map(|end| end.outcome.reason()), Some("record_without_id"));
    assert_eq!(fixture.live("Thing").await, ["1", "2"]);
}

#[tokio::test]
async fn since_requests_changes_after_the_last_complete_run() {
    let fixture = Fixture::new().await;
    fixture.script.add("/things", 200, &[], json!([thing(5), thing(9), thing(7)]));
    for _ in 0..2 {
        assert_succeeded(&fixture.sync("changed-since").await);
    }
    assert_eq!(fixture.requests(), ["/things", "/things?since=2025-12-31T23:58:09Z"]);

    let reset = RunRequest { reset: true, ..Fixture::request(Target::Sync("changed-since".into())) };
    assert_succeeded(&fixture.run(reset).await.unwrap());
    assert_eq!(fixture.requests()[2], "/things");
}

#[tokio::test]
async fn record_without_since_field_is_reported_with_position() {
    let fixture = Fixture::new().await;
    let late = json!({ "id": 2, "name": "t", "updated_at": null });
    fixture.script.add("/things", 200, &[], json!([thing(1), late]));
    let error = fixture.sync("changed-since").await.error.expect("an error").to_string();
    for part in ["record 2 of page 1 of GET ", "`updated_at`"] {
        assert!(error.contains(part), "no {part} in {error}");
    }
}

#[tokio::test]
async fn since_from_run_start_uses_the_date_of_the_first_response() {
    let fixture = Fixture::new().await;
    let date = |seconds: &str| format!("Thu, 01 Jan 1970 00:00:{seconds} GMT");
    fixture.script.add("/things", 200, &[("date", &date("10"))], page([1], Some("x")));
    fixture.script.add("/things", 500, &[], json!({}));
    assert_eq!(fixture.sync("changed-by-clock").await.status, RunStatus::Error);
    fixture.script.add("/things", 200, &[("date", &date("50"))], page([2], None));
    assert_succeeded(&fixture.sync("changed-by-clock").await);
    assert_eq!(fixture.requests()[2], "/things?after=x", "the second attempt resumes at the cursor");
    assert_succeeded(&fixture.sync("changed-by-clock").await);
    assert_eq!(fixture.requests()[3], "/things?since=10", "the first attempt started the logical run");
}

#[tokio::test]
async fn async_mapper_can_send_requests_and_keeps_the_order() {
    let fixture = Fixture::new().await;
    fixture.script.add("/things", 200, &[], json!([thing(1), thing(2), thing(3)]));
    for id in 1..=3 {
        fixture.script.add(&format!("/things/{id}"), 200, &[], json!({ "surname": format!("of {id}") }));
    }
    let report = fixture.sync("enriched").await;
    assert_succeeded(&report);
    assert_eq!(report.totals.requests, 4);
    assert_eq!(fixture.live("Thing").await, ["1", "2", "3"]);
}

#[tokio::test]
async fn metadata_that_lacks_an_endpoint_field_is_an_error_with_the_remedy() {
    let fixture = Fixture::without_connection().await;
    fixture.connect(json!({})).await.unwrap();
    let error = fixture.sync("by-cursor").await.error.expect("an error");
    assert!(error.to_string().contains("space"), "{error}");
    let remedy = Remedy::SetMetadata { integration: "acme".into(), connection: "one".into() };
    assert_eq!(error.remedy(), Some(&remedy));
}
