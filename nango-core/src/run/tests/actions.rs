//! Tests of actions, event functions, hand-written checkpoints, and cancellation.

use super::*;
use std::time::Duration;

use crate::{
    ErrorKind,
    declare::FunctionKind,
    error::Remedy,
    store::{FunctionKey, Level, NewRun, RunStatus},
};

async fn run_action(fixture: &Fixture, name: &str, input: Value) -> RunReport {
    fixture.run(Fixture::request(Target::Action { name: name.into(), input })).await.unwrap()
}

#[tokio::test]
async fn action_returns_its_output_and_its_log_is_stored() {
    let fixture = Fixture::new().await;
    let report = run_action(&fixture, "uppercase", json!("hey")).await;
    assert_succeeded(&report);
    assert_eq!(report.output, Some(json!("HEY")));
    let logs = fixture.runtime.store.logs(report.run).await.unwrap();
    assert_eq!(logs.len(), 1);
    assert_eq!((logs[0].message.as_str(), &logs[0].fields), ("shouting", &json!({ "region": "eu" })));
}

#[tokio::test]
async fn action_error_keeps_its_payload_through_a_trigger() {
    let fixture = Fixture::new().await;
    for name in ["uppercase", "relay"] {
        let error = run_action(&fixture, name, json!("")).await.error.expect("an error");
        assert_eq!(error.action().map(crate::ActionError::payload), Some(&json!({ "code": "empty" })), "{name}");
    }
    let error = run_action(&fixture, "uppercase", json!({ "no": "text" })).await.error.expect("an error");
    assert_eq!(error.kind(), ErrorKind::Input);
}

#[tokio::test]
async fn triggered_action_is_a_run_and_triggered_sync_runs_after_it() {
    let fixture = Fixture::new().await;
    fixture.script.add("/things", 200, &[], json!([]));
    let report = run_action(&fixture, "relay", json!("hey")).await;
    assert_succeeded(&report);
    assert_eq!(report.output, Some(json!("HEY!")));
    assert_eq!(report.triggered.len(), 1);
    assert_eq!(
        (report.triggered[0].sync.as_str(), report.triggered[0].outcome.as_ref().unwrap().status),
        ("by-offset", RunStatus::Success)
    );
}

#[tokio::test]
async fn event_functions_run_before_and_after_a_connection_is_added() {
    let fixture = Fixture::without_connection().await;
    let refused = fixture.connect(json!({ "space": "forbidden" })).await.unwrap_err();
    assert_eq!(refused.to_string(), "`check` refused the connection, so it was not stored: that space is closed");
    assert_eq!(fixture.runtime.store.connection("acme", "one").await.unwrap(), None);

    fixture.script.add("/things", 200, &[], json!([{ "id": 4, "name": "first" }]));
    let added = fixture.connect(json!({ "space": "open" })).await.unwrap();
    assert_eq!(fixture.live("Thing").await, ["4"], "the new connection's first sync was triggered");
    assert!(added.is_new && added.events.iter().all(|event| event.status == RunStatus::Success), "{added:?}");
    let stored = fixture.runtime.store.connection("acme", "one").await.unwrap().expect("the connection");
    assert_eq!(Value::Object(stored.metadata), json!({ "space": "open", "welcomed": true }));
}

#[tokio::test]
async fn checkpoint_of_a_page_is_committed_with_its_records() {
    let fixture = Fixture::new().await;
    let thing = |id: u64| json!([{ "id": id, "name": "t" }]);
    fixture.script.add("/things", 200, &[], thing(1));
    fixture.script.add("/things", 500, &[], json!({}));
    fixture.script.add("/things", 200, &[], thing(2));
    fixture.script.add("/things", 200, &[], json!([]));
    let broken = fixture.sync("by-hand").await;
    assert_eq!(
        (broken.status, broken.checkpoint.clone(), broken.resumable),
        (RunStatus::Error, Some(json!({ "page": 2 })), true)
    );

    let ended = fixture.sync("by-hand").await;
    assert_succeeded(&ended);
    assert_eq!((ended.checkpoint, ended.resumable), (None, false));
    assert_eq!(fixture.requests(), ["/things?page=1", "/things?page=2", "/things?page=2", "/things?page=3"]);
    assert_eq!(fixture.live("Thing").await, ["1", "2"]);
}

#[tokio::test]
async fn triggered_sync_that_cannot_start_keeps_action_report() {
    let fixture = Fixture::new().await;
    let key = FunctionKey {
        kind: FunctionKind::Sync,
        integration: "acme".into(),
        connection: "one".into(),
        function: "by-hand".into(),
        variant: BASE_VARIANT.into(),
    };
    let lease = Duration::from_mins(5);
    let other = NewRun { key, connection: None, exclusive: true, lease };
    let other = fixture.runtime.store.start_run(other).await.unwrap();
    let store = fixture.runtime.store.clone();
    let renewer = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            store.heartbeat(&other).await.unwrap();
        }
    });
    let report = run_action(&fixture, "trigger-busy", Value::Null).await;
    renewer.abort();
    assert_succeeded(&report);
    assert_eq!(report.output, Some(json!("done")));
    let error = report.triggered[0].outcome.as_ref().unwrap_err().to_string();
    assert!(error.contains("already running"), "{error}");
}

#[tokio::test]
async fn tracing_inside_a_function_goes_to_the_log_of_its_run() {
    crate::run::capture_tracing();
    let fixture = Fixture::new().await;
    let report = run_action(&fixture, "trace", Value::Null).await;
    assert_succeeded(&report);
    let logs = fixture.runtime.store.logs(report.run).await.unwrap();
    assert_eq!(logs.len(), 1);
    assert_eq!((logs[0].message.as_str(), logs[0].level), ("counting", Level::Warn));
    assert_eq!(logs[0].fields, json!({ "count": 3, "kind": "odd" }));
}

#[tokio::test]
async fn panic_of_a_function_is_the_error_of_its_run() {
    let fixture = Fixture::new().await;
    let report = run_action(&fixture, "panicking", Value::Null).await;
    assert_eq!(report.status, RunStatus::Error);
    assert!(report.error.is_some_and(|error| error.to_string().ends_with("over a stone")));
}

#[tokio::test]
async fn manual_walk_that_resumes_without_its_scan_deletes_nothing() {
    let fixture = Fixture::new().await;
    let page = |ids: &[u64]| ids.iter().map(|id| json!({ "id": id, "name": "t" })).collect::<Value>();
    for ids in [&[1, 2][..], &[3], &[]] {
        fixture.script.add("/things", 200, &[], page(ids));
    }
    assert_succeeded(&fixture.sync("scanned-by-hand").await);
    // This is the state after a crash between the end of the scan and the deletion of the checkpoint.
    fixture.script.add("/things", 200, &[], page(&[3]));
    fixture.script.add("/things", 200, &[], page(&[]));
    let checkpoint = Some(json!({ "page": 2 }));
    let request = RunRequest { checkpoint, ..Fixture::request(Target::Sync("scanned-by-hand".into())) };
    assert_succeeded(&fixture.run(request).await.unwrap());
    assert_eq!(fixture.live("Thing").await, ["1", "2", "3"]);

    // Several requests without `paginate` count as position-based: two consecutive scans must miss a record.
    for live in [&["1", "2", "3"][..], &["1"]] {
        for ids in [&[1][..], &[]] {
            fixture.script.add("/things", 200, &[], page(ids));
        }
        assert_succeeded(&fixture.sync("scanned-by-hand").await);
        assert_eq!(fixture.live("Thing").await, live);
    }
}

#[tokio::test]
async fn checkpoint_of_another_shape_is_an_error_and_can_be_reset() {
    let fixture = Fixture::new().await;
    let request =
        RunRequest { checkpoint: Some(json!({ "cursor": "x" })), ..Fixture::request(Target::Sync("by-hand".into())) };
    let report = fixture.run(request.clone()).await.unwrap();
    let error = report.error.expect("an error");
    assert_eq!(
        error.to_string(),
        "the stored checkpoint has { cursor: string }, but `Position` declares { page: integer } (missing field \
         `page`)"
    );
    let [integration, sync, connection] = ["acme", "by-hand", "one"].map(str::to_owned);
    assert_eq!(error.remedy(), Some(&Remedy::ResetSync { integration, sync, connection, variant: None }));
    // The field has the right name, but another type; the error does not contain the value.
    let other = RunRequest { checkpoint: Some(json!({ "page": "secret", "more": null })), ..request.clone() };
    let error = fixture.run(other).await.unwrap().error.expect("an error").to_string();
    let shapes = "has { page: string, more: null }, but `Position` declares { page: integer } (`page`: invalid \
                          type: a string, expected u32)";
    assert!(error.contains(shapes) && !error.contains("secret"), "{error}");
    fixture.script.add("/things", 200, &[], json!([]));
    let request = RunRequest { checkpoint: None, reset: true, ..request };
    assert_succeeded(&fixture.run(request).await.unwrap());
}

#[tokio::test]
async fn cancelled_run_is_interrupted_and_dry_run_stores_nothing() {
    let fixture = Fixture::new().await;
    fixture.script.add("/things", 200, &[], json!([{ "id": 1, "name": "t" }]));
    let cancellation = CancellationToken::new();
    cancellation.cancel();
    let request = Fixture::request(Target::Sync("by-offset".into()));
    let report = execute(&fixture.runtime, request.clone(), cancellation, Arc::new(NoopObserver)).await.unwrap();
    assert_eq!(report.status, RunStatus::Interrupted);

    let report = fixture.run(RunRequest { dry_run: true, ..request }).await.unwrap();
    assert_succeeded(&report);
    assert_eq!(report.dry_records.expect("records")["Thing"].total, 1);
    assert!(fixture.records("Thing").await.is_empty());
}

#[tokio::test]
async fn unknown_function_is_reported_with_suggestion() {
    let fixture = Fixture::new().await;
    let error = |request: RunRequest| async { fixture.run(request).await.unwrap_err().to_string() };
    let request = Fixture::request(Target::Sync("by-ofset".into()));
    assert!(error(request.clone()).await.contains("did you mean `by-offset`?"));
    let other = RunRequest { connection: "tow".into(), ..Fixture::request(Target::Sync("by-offset".into())) };
    assert!(error(other).await.contains("`one`"));
    let other = RunRequest { integration: "acne".into(), ..request };
    assert!(error(other).await.contains("did you mean `acme`?"));
}
