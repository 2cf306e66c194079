//! Tests of declared errors in responses with a success status.

use super::*;
use crate::{
    ErrorKind,
    paginate::{Gap, WalkOutcome},
    prelude::{ErrorAt, Nango, NangoAction, action, model, sync},
    store::{Level, RunStatus},
};

/// Record whose id is its key in the response.
#[model]
struct Keyed {
    /// Key of the record.
    id: String,
    /// Name of the record.
    name: String,
}

/// Syncs the values of an object, with declared errors.
#[sync(
    integration = "acme",
    model = "Keyed",
    endpoint = "/keyed",
    paginate(cursor(name = "after", path = "next"), response_path = "data.items.*", response_key = "id"),
    error(when = "ok", is = false, message = "error"),
    error(path = "warnings[0].text", partial),
    track_deletes
)]
fn keyed(record: Keyed) -> Keyed {
    record
}

/// Syncs with a confirmation by request.
#[sync(
    integration = "acme",
    model = "Keyed",
    endpoint = "/keyed",
    paginate(cursor(name = "after", path = "next"), response_path = "data.items.*", response_key = "id"),
    error(when = "ok", is = false, message = "error"),
    track_deletes,
    confirm_deletes(get = "/keyed/{record.id}")
)]
fn keyed_confirmed(record: Value) -> Option<Keyed> {
    serde_json::from_value(record).ok()
}

/// Reads one response by hand.
#[action(integration = "acme")]
async fn read_declared(nango: NangoAction, input: String) -> Result<Value> {
    let request = |nango: &Nango| nango.get("/declared").error_at(ErrorAt::when("ok", false).message("error.text"));
    match input.as_str() {
        "json" => request(&nango).json().await,
        "text" => request(&nango).text().await.map(Value::from),
        "accepted" => request(&nango).accept([409]).json().await,
        "partial" => nango.get("/declared").error_at(ErrorAt::path("errors[0].message").partial()).json().await,
        _ => nango.get("/declared").error_at(ErrorAt::path("a..b")).json().await,
    }
}

fn page(keys: &[&str], next: Option<&str>) -> Value {
    let items: Map<String, Value> = keys.iter().map(|key| ((*key).to_owned(), json!({ "name": "n" }))).collect();
    json!({ "ok": true, "data": { "items": items }, "next": next })
}

async fn run_action(fixture: &Fixture, input: &str) -> RunReport {
    fixture.run(Fixture::request(Target::Action { name: "read-declared".into(), input: json!(input) })).await.unwrap()
}

#[tokio::test]
async fn values_of_an_object_are_saved_and_deleted_by_their_keys() {
    let fixture = Fixture::new().await;
    fixture.script.add("/keyed", 200, &[], page(&["a", "b"], Some("x")));
    fixture.script.add("/keyed", 200, &[], page(&["c"], None));
    assert_succeeded(&fixture.sync("keyed").await);
    assert_eq!(fixture.live("Keyed").await, ["a", "b", "c"]);
    fixture.script.add("/keyed", 200, &[], page(&["a", "c"], None));
    assert_succeeded(&fixture.sync("keyed").await);
    assert_eq!(fixture.live("Keyed").await, ["a", "c"]);
}

#[tokio::test]
async fn declared_error_fails_the_run_with_the_text_of_the_provider() {
    let fixture = Fixture::new().await;
    fixture.script.add("/keyed", 200, &[], page(&["a", "b"], None));
    fixture.sync("keyed").await;
    let refused = json!({ "ok": false, "error": "invalid_auth", "data": { "items": {} } });
    fixture.script.add("/keyed", 200, &[], refused);
    let report = fixture.sync("keyed").await;
    let error = report.error.expect("an error");
    let text = "GET https://api.acme.test/keyed returned 200 with an error at `ok`: invalid_auth";
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Http, text));
    let http = error.http().expect("a response");
    let found = http.error.as_ref().map(|error| (error.path.as_str(), error.message.as_str()));
    assert_eq!((http.status, found, http.is_rate_limited), (200, Some(("ok", "invalid_auth")), false));
    assert_eq!(http.json()["error"], "invalid_auth");
    assert_eq!(fixture.live("Keyed").await, ["a", "b"], "a failed walk deletes nothing");
}

#[tokio::test]
async fn partial_error_keeps_the_data_and_the_walk_is_incomplete() {
    let fixture = Fixture::new().await;
    fixture.script.add("/keyed", 200, &[], page(&["a", "b"], None));
    fixture.sync("keyed").await;
    let mut partial = page(&["a", "c"], None);
    partial["warnings"] = json!([{ "text": "shard 2 is\noffline" }]);
    fixture.script.add("/keyed", 200, &[], partial);
    let report = fixture.sync("keyed").await;
    assert_succeeded(&report);
    let outcome = report.findings.walk.map(|end| end.outcome);
    assert_eq!(outcome, Some(WalkOutcome::Incomplete(Gap::DeclaredError("shard 2 is offline".into()))));
    assert_eq!(fixture.live("Keyed").await, ["a", "b", "c"], "an incomplete walk deletes nothing");

    // Without the list there is no data to keep.
    fixture.script.add("/keyed", 200, &[], json!({ "warnings": [{ "text": "offline" }], "data": {} }));
    let error = fixture.sync("keyed").await.error.expect("an error");
    assert!(error.to_string().ends_with("returned 200 with an error at `warnings[0].text`: offline"), "{error}");
    // A null list is incomplete, as beside an undeclared error.
    fixture.script.add("/keyed", 200, &[], json!({ "warnings": [{ "text": "offline" }], "data": null }));
    let report = fixture.sync("keyed").await;
    assert_succeeded(&report);
    assert_eq!(report.findings.walk.map(|end| end.outcome.reason()), Some("declared_error"));
    assert_eq!(fixture.live("Keyed").await, ["a", "b", "c"]);
}

#[tokio::test]
async fn resume_point_refused_by_a_declared_error_restarts_the_walk() {
    let fixture = Fixture::new().await;
    fixture.script.add("/keyed", 200, &[], page(&["a"], Some("x")));
    fixture.script.add("/keyed", 500, &[], json!({}));
    assert!(fixture.sync("keyed").await.resumable);
    fixture.script.add("/keyed", 200, &[], json!({ "ok": false, "error": "invalid_cursor" }));
    fixture.script.add("/keyed", 200, &[], page(&["a", "b"], None));
    assert_succeeded(&fixture.sync("keyed").await);
    let targets = fixture.requests();
    assert_eq!(targets[targets.len() - 2..], ["/keyed?after=x", "/keyed"]);
    assert_eq!(fixture.live("Keyed").await, ["a", "b"]);
}

#[tokio::test]
async fn declared_error_does_not_confirm_a_delete() {
    let fixture = Fixture::new().await;
    fixture.script.add("/keyed", 200, &[], page(&["a", "b"], None));
    fixture.sync("keyed-confirmed").await;
    fixture.script.add("/keyed", 200, &[], page(&["a"], None));
    fixture.script.add("/keyed/b", 200, &[], json!({ "ok": false, "error": "internal" }));
    let report = fixture.sync("keyed-confirmed").await;
    assert_succeeded(&report);
    assert_eq!(fixture.live("Keyed").await, ["a", "b"]);
    let logs = fixture.runtime.store.logs(report.run).await.unwrap();
    assert!(logs.iter().any(|log| log.message.contains("record `b` is kept: the API returned the error internal")));
}

#[tokio::test]
async fn request_with_a_declared_error_fails_however_its_body_is_read() {
    let fixture = Fixture::new().await;
    let refused = json!({ "ok": false, "error": { "text": "x".repeat(300) } });
    for input in ["json", "text"] {
        fixture.script.add("/declared", 200, &[], refused.clone());
        let error = run_action(&fixture, input).await.error.expect("an error");
        let expect =
            format!("GET https://api.acme.test/declared returned 200 with an error at `ok`: {} …", "x".repeat(200));
        assert_eq!(error.to_string(), expect, "{input}");
        assert_eq!(error.http().map(|http| http.status), Some(200));
    }
    // A status that the caller accepts is not a successful response.
    fixture.script.add("/declared", 409, &[], refused.clone());
    assert_eq!(run_action(&fixture, "accepted").await.output, Some(refused));
    fixture.script.add("/declared", 200, &[], json!({ "ok": true }));
    assert_eq!(run_action(&fixture, "json").await.output, Some(json!({ "ok": true })));
    let error = run_action(&fixture, "wrong").await.error.expect("an error");
    assert!(error.to_string().contains("`a..b` is not a path"), "{error}");
}

#[tokio::test]
async fn request_with_a_partial_error_returns_its_data_and_logs() {
    let fixture = Fixture::new().await;
    let body = json!({ "data": 1, "errors": [{ "message": "no such team" }] });
    fixture.script.add("/declared", 200, &[], body.clone());
    let report = run_action(&fixture, "partial").await;
    assert_eq!((report.status, report.output), (RunStatus::Success, Some(body)));
    let logs = fixture.runtime.store.logs(report.run).await.unwrap();
    let text = "GET https://api.acme.test/declared returned an error beside the data: no such team";
    assert_eq!((logs[0].level, logs[0].message.as_str()), (Level::Warn, text));
}
