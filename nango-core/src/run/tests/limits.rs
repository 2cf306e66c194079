//! Tests of runs that reach the rate limit of an API.

use std::sync::Mutex;

use super::*;
use crate::{ErrorKind, run::Observer, store::RunStatus};

/// Observer that records the reported waits.
#[derive(Default)]
struct WaitRecorder(Mutex<Vec<String>>);

impl Observer for WaitRecorder {
    fn on_wait(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
}

const SPACE: &str = "/spaces/a%20b%2Fc/things";

fn page(id: u64, next: Option<&str>) -> Value {
    json!({ "items": [{ "id": id, "name": "thing" }], "next": next })
}

fn rate_limit_headers(reset: &str) -> [(&str, &str); 3] {
    [("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset)]
}

async fn run(fixture: &Fixture) -> (RunReport, Vec<String>) {
    let recorder = Arc::new(WaitRecorder::default());
    let request = Fixture::request(Target::Sync("by-cursor".into()));
    let report = execute(&fixture.runtime, request, CancellationToken::new(), recorder.clone()).await.unwrap();
    let waits = recorder.0.lock().unwrap().clone();
    (report, waits)
}

#[tokio::test]
async fn run_waits_for_rate_limit_and_reports_it() {
    let fixture = Fixture::new().await;
    fixture.script.add(SPACE, 200, &rate_limit_headers("12"), page(1, Some("x")));
    fixture.script.add(SPACE, 200, &rate_limit_headers("30"), page(2, None));
    fixture.script.add(SPACE, 200, &[], page(1, None));
    let (report, waits) = run(&fixture).await;
    assert_succeeded(&report);
    assert_eq!(waits, ["waiting 12 s for acme's rate limit"]);
    // The next run of the connection uses the limits that the last run observed.
    let (report, waits) = run(&fixture).await;
    assert_succeeded(&report);
    assert_eq!(waits, ["waiting 30 s for acme's rate limit"]);
}

#[tokio::test]
async fn limit_that_resets_too_late_ends_the_run_with_the_reset_time() {
    let fixture = Fixture::new().await;
    fixture.script.add(SPACE, 200, &rate_limit_headers("3600"), page(1, Some("x")));
    let (report, waits) = run(&fixture).await;
    let error = report.error.expect("an error");
    assert_eq!((report.status, error.kind(), waits.len()), (RunStatus::Error, ErrorKind::RateLimit, 0));
    assert!(error.to_string().contains("the rate limit is exhausted until 20"), "{error}");
    assert!(error.to_string().ends_with("(1 h 0 min), longer than the maximum wait of 10 min"), "{error}");
    assert!(report.resumable && fixture.script.seen().len() == 1);
}
