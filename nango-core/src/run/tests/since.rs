//! Tests of `since`: the value of the next run, and full runs.

use super::*;
use crate::{
    declare::{Item, SyncDef, SyncRun},
    model::ModelInfo,
};

fn thing(id: u64, updated_at: &str) -> Value {
    json!({ "id": id, "name": "t", "updated_at": updated_at })
}

fn date(at: &str) -> (&'static str, String) {
    ("date", format!("Thu, 01 Jan 2026 {at} GMT"))
}

#[tokio::test]
async fn record_with_future_time_does_not_advance_since_past_the_clock_of_the_api() {
    let fixture = Fixture::new().await;
    let (name, value) = date("00:00:10");
    let body = json!([thing(1, "2026-01-01T00:00:05Z"), thing(2, "2999-01-01T00:00:00Z")]);
    fixture.script.add("/things", 200, &[(name, &value)], body);
    for _ in 0..2 {
        assert_succeeded(&fixture.sync("changed-since").await);
    }
    // The overlap of two minutes is subtracted.
    assert_eq!(fixture.requests()[1], "/things?since=2025-12-31T23:58:10Z");
}

#[tokio::test]
async fn record_updated_during_walk_is_requested_again() {
    let fixture = Fixture::new().await;
    let page = |updated_at: &str, next: Value| json!({ "items": [thing(1, updated_at)], "next": next });
    let (name, first) = date("00:00:10");
    let (_, later) = date("00:10:05");
    fixture.script.add("/things", 200, &[(name, &first)], page("2026-01-01T00:00:01Z", json!("x")));
    let second = json!({ "items": [thing(2, "2026-01-01T00:10:05Z")] });
    fixture.script.add("/things", 200, &[(name, &later)], second);
    assert_succeeded(&fixture.sync("changed-by-clock").await);
    assert_succeeded(&fixture.sync("changed-by-clock").await);
    let since = 1_767_225_610_i64; // 2026-01-01T00:00:10Z
    assert_eq!(fixture.requests()[2], format!("/things?since={since}"));
}

#[tokio::test]
async fn incomplete_walk_does_not_move_since() {
    let fixture = Fixture::new().await;
    let (name, value) = date("00:00:10");
    fixture.script.add("/things", 206, &[(name, &value)], json!({ "items": [thing(1, "2026-01-01T00:00:05Z")] }));
    for _ in 0..2 {
        let report = fixture.sync("changed-by-clock").await;
        assert_eq!(report.findings.walk.map(|end| end.outcome.reason()), Some("partial_content"));
    }
    assert_eq!(fixture.requests(), ["/things", "/things"]);
}

#[tokio::test]
async fn full_run_reads_the_whole_list_and_drops_the_interrupted_walk() {
    let fixture = Fixture::new().await;
    let (name, value) = date("00:00:10");
    fixture.script.add("/things", 200, &[(name, &value)], json!({ "items": [], "next": null }));
    assert_succeeded(&fixture.sync("changed-by-clock").await);
    assert_succeeded(&fixture.sync("changed-by-clock").await);
    let full = RunRequest { full: true, ..Fixture::request(Target::Sync("changed-by-clock".into())) };
    assert_succeeded(&fixture.run(full).await.unwrap());
    assert_succeeded(&fixture.sync("changed-by-clock").await);
    let targets = fixture.requests();
    assert_eq!(targets[0], "/things");
    assert!(targets[1].contains("since=") && targets[3].contains("since="), "{targets:?}");
    assert_eq!(targets[2], "/things");
}

/// The sync `changed-by-clock` with another version or another schema of its model.
fn changed_by_clock(version: &'static str, model: &'static ModelInfo) -> Registry {
    let loaded = Registry::load().unwrap();
    let now = loaded.sync("acme", "changed-by-clock").unwrap();
    let SyncRun::Mapper(mapper) = now.run else { unreachable!("a mapper") };
    let models = Box::leak(Box::new([model]));
    let changed = SyncDef { version, frequency: None, models, run: SyncRun::Mapper(mapper), ..*now };
    Registry::from_items([Item::Sync(Box::leak(Box::new(changed)))]).unwrap()
}

#[tokio::test]
async fn changed_version_or_schema_makes_the_next_run_full() {
    let model = Registry::load().unwrap().sync("acme", "changed-by-clock").unwrap().models[0];
    let wider: &'static ModelInfo = Box::leak(Box::new(ModelInfo {
        schema: |generator| {
            let mut schema = generator.subschema_for::<String>();
            schema.insert("description".to_owned(), json!("another shape"));
            schema
        },
        ..*model
    }));
    let mut fixture =
        Fixture::with_registry_and_limits(changed_by_clock("1.0.0", model), "https://api.acme.test", Limits::default())
            .await;
    fixture.connect(json!({ "space": "s" })).await.unwrap();
    let (name, value) = date("00:00:10");
    fixture.script.add("/things", 200, &[(name, &value)], json!({ "items": [], "next": null }));
    for (version, model, is_full) in [
        ("1.0.0", model, true),
        ("1.0.0", model, false),
        ("2.0.0", model, true),
        ("2.0.0", model, false),
        ("2.0.0", wider, true),
        ("2.0.0", wider, false),
    ] {
        fixture = fixture.with_registry(changed_by_clock(version, model));
        assert_succeeded(&fixture.sync("changed-by-clock").await);
        assert_eq!(fixture.requests().last().map(|target| target == "/things"), Some(is_full), "{version}");
    }
}
