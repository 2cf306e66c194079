//! Actions, events, checkpoints by hand, stopping.

use super::*;
use std::time::Duration;

use crate::{
    ErrorKind,
    declare::Kind,
    store::{FunctionKey, Level, NewRun, RunStatus},
};

async fn act(house: &House, name: &str, input: Value) -> RunReport {
    house.run(House::request(Target::Action { name: name.into(), input })).await.unwrap()
}

#[tokio::test]
async fn an_action_answers_and_its_log_is_kept() {
    let house = House::new().await;
    let report = act(&house, "shout", json!("hey")).await;
    succeeded(&report);
    assert_eq!(report.output, Some(json!("HEY")));
    let logs = house.instance.store.logs(report.run).await.unwrap();
    assert_eq!(logs.len(), 1);
    assert_eq!((logs[0].message.as_str(), &logs[0].fields), ("shouting", &json!({ "region": "eu" })));
}

#[tokio::test]
async fn an_action_error_keeps_its_payload_also_through_a_trigger() {
    let house = House::new().await;
    for name in ["shout", "relay"] {
        let error = act(&house, name, json!("")).await.error.expect("an error");
        assert_eq!(error.action().map(crate::ActionError::payload), Some(&json!({ "code": "empty" })), "{name}");
    }
    let error = act(&house, "shout", json!({ "no": "text" })).await.error.expect("an error");
    assert_eq!(error.kind(), ErrorKind::Input);
}

#[tokio::test]
async fn a_triggered_action_is_a_run_and_a_triggered_sync_follows() {
    let house = House::new().await;
    house.script.add("/things", 200, &[], json!([]));
    let report = act(&house, "relay", json!("hey")).await;
    succeeded(&report);
    assert_eq!(report.output, Some(json!("HEY!")));
    assert_eq!(report.triggered.len(), 1);
    assert_eq!(
        (report.triggered[0].sync.as_str(), report.triggered[0].outcome.as_ref().unwrap().status),
        ("by-offset", RunStatus::Success)
    );
}

#[tokio::test]
async fn events_validate_and_welcome_a_connection() {
    let house = House::without_connection().await;
    let refused = house.connect(json!({ "space": "forbidden" })).await.unwrap_err();
    assert_eq!(refused.to_string(), "`check` refused the connection, so it was not stored: that space is closed");
    assert_eq!(house.instance.store.connection("acme", "one").await.unwrap(), None);

    house.script.add("/things", 200, &[], json!([{ "id": 4, "name": "first" }]));
    let added = house.connect(json!({ "space": "open" })).await.unwrap();
    assert_eq!(house.live("Thing").await, ["4"], "the new connection's first sync was triggered");
    assert!(added.new && added.events.iter().all(|event| event.status == RunStatus::Success), "{added:?}");
    let stored = house.instance.store.connection("acme", "one").await.unwrap().expect("the connection");
    assert_eq!(Value::Object(stored.metadata), json!({ "space": "open", "welcomed": true }));
}

#[tokio::test]
async fn a_checkpoint_by_hand_is_a_part_of_its_page() {
    let house = House::new().await;
    let thing = |id: u64| json!([{ "id": id, "name": "t" }]);
    house.script.add("/things", 200, &[], thing(1));
    house.script.add("/things", 500, &[], json!({}));
    house.script.add("/things", 200, &[], thing(2));
    house.script.add("/things", 200, &[], json!([]));
    let broken = house.sync("by-hand").await;
    assert_eq!(
        (broken.status, broken.checkpoint.clone(), broken.resumable),
        (RunStatus::Error, Some(json!({ "page": 2 })), true)
    );

    let ended = house.sync("by-hand").await;
    succeeded(&ended);
    assert_eq!((ended.checkpoint, ended.resumable), (None, false));
    assert_eq!(house.asked(), ["/things?page=1", "/things?page=2", "/things?page=2", "/things?page=3"]);
    assert_eq!(house.live("Thing").await, ["1", "2"]);
}

#[tokio::test]
async fn a_triggered_sync_that_cannot_begin_leaves_the_report_of_the_action() {
    let house = House::new().await;
    let key = FunctionKey {
        kind: Kind::Sync,
        integration: "acme".into(),
        connection: "one".into(),
        function: "by-hand".into(),
        variant: BASE_VARIANT.into(),
    };
    let lease = Duration::from_mins(5);
    let other = NewRun { key, connection: None, exclusive: true, lease };
    let other = house.instance.store.start_run(other).await.unwrap();
    let beating = house.instance.store.clone();
    let heart = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            beating.heartbeat(&other).await.unwrap();
        }
    });
    let report = act(&house, "ask-for-busy", Value::Null).await;
    heart.abort();
    succeeded(&report);
    assert_eq!(report.output, Some(json!("done")));
    let error = report.triggered[0].outcome.as_ref().unwrap_err().to_string();
    assert!(error.contains("already running"), "{error}");
}

#[tokio::test]
async fn tracing_inside_a_function_goes_to_the_log_of_its_run() {
    crate::run::capture_tracing();
    let house = House::new().await;
    let report = act(&house, "trace", Value::Null).await;
    succeeded(&report);
    let logs = house.instance.store.logs(report.run).await.unwrap();
    assert_eq!(logs.len(), 1);
    assert_eq!((logs[0].message.as_str(), logs[0].level), ("counting", Level::Warn));
    assert_eq!(logs[0].fields, json!({ "count": 3, "kind": "odd" }));
}

#[tokio::test]
async fn a_panic_of_a_function_is_the_error_of_its_run() {
    let house = House::new().await;
    let report = act(&house, "stumble", Value::Null).await;
    assert_eq!(report.status, RunStatus::Error);
    assert!(report.error.is_some_and(|error| error.to_string().ends_with("over a stone")));
}

#[tokio::test]
async fn a_walk_by_hand_that_goes_on_without_its_scan_deletes_nothing() {
    let house = House::new().await;
    let page = |ids: &[u64]| ids.iter().map(|id| json!({ "id": id, "name": "t" })).collect::<Value>();
    for ids in [&[1, 2][..], &[3], &[]] {
        house.script.add("/things", 200, &[], page(ids));
    }
    succeeded(&house.sync("scanned-by-hand").await);
    // As after a crash between the end of the scan and the end of the checkpoint.
    house.script.add("/things", 200, &[], page(&[3]));
    house.script.add("/things", 200, &[], page(&[]));
    let checkpoint = Some(json!({ "page": 2 }));
    let request = RunRequest { checkpoint, ..House::request(Target::Sync("scanned-by-hand".into())) };
    succeeded(&house.run(request).await.unwrap());
    assert_eq!(house.live("Thing").await, ["1", "2", "3"]);

    // Several requests without `paginate` count as position-based: two scans in a row have to miss a record.
    for live in [&["1", "2", "3"][..], &["1"]] {
        for ids in [&[1][..], &[]] {
            house.script.add("/things", 200, &[], page(ids));
        }
        succeeded(&house.sync("scanned-by-hand").await);
        assert_eq!(house.live("Thing").await, live);
    }
}

#[tokio::test]
async fn a_checkpoint_of_another_shape_is_named_and_can_be_reset() {
    let house = House::new().await;
    let request =
        RunRequest { checkpoint: Some(json!({ "cursor": "x" })), ..House::request(Target::Sync("by-hand".into())) };
    let report = house.run(request.clone()).await.unwrap();
    assert_eq!(
        report.error.expect("an error").to_string(),
        "the stored checkpoint has { cursor: string }, but `Place` declares { page: integer } (missing field `page`). To \
         start over: `registry run acme by-hand --connection one --reset`"
    );
    // Of the right name, but another kind; the value is not told.
    let other = RunRequest { checkpoint: Some(json!({ "page": "hush", "more": null })), ..request.clone() };
    let error = house.run(other).await.unwrap().error.expect("an error").to_string();
    let shapes = "has { page: string, more: null }, but `Place` declares { page: integer } (`page`: invalid type: a string, expected u32)";
    assert!(error.contains(shapes) && !error.contains("hush"), "{error}");
    house.script.add("/things", 200, &[], json!([]));
    let request = RunRequest { checkpoint: None, reset: true, ..request };
    succeeded(&house.run(request).await.unwrap());
}

#[tokio::test]
async fn a_stopped_run_is_interrupted_and_a_dry_run_keeps_nothing() {
    let house = House::new().await;
    house.script.add("/things", 200, &[], json!([{ "id": 1, "name": "t" }]));
    let stop = Stop::default();
    stop.stop();
    let request = House::request(Target::Sync("by-offset".into()));
    let report = execute(&house.instance, request.clone(), stop, Arc::new(Unobserved)).await.unwrap();
    assert_eq!(report.status, RunStatus::Interrupted);

    let report = house.run(RunRequest { dry: true, ..request }).await.unwrap();
    succeeded(&report);
    assert_eq!(report.dry.expect("records")["Thing"].total, 1);
    assert!(house.records("Thing").await.is_empty());
}

#[tokio::test]
async fn a_name_that_is_not_there_is_answered_with_the_nearest() {
    let house = House::new().await;
    let error = |request: RunRequest| async { house.run(request).await.unwrap_err().to_string() };
    let request = House::request(Target::Sync("by-ofset".into()));
    assert!(error(request.clone()).await.contains("did you mean `by-offset`?"));
    let other = RunRequest { connection: "tow".into(), ..House::request(Target::Sync("by-offset".into())) };
    assert!(error(other).await.contains("`one`"));
    let other = RunRequest { integration: "acne".into(), ..request };
    assert!(error(other).await.contains("did you mean `acme`?"));
}
