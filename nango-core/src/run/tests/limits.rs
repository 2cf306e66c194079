//! Runs and the limits of their API.

use std::sync::Mutex;

use super::*;
use crate::{
    ErrorKind,
    run::{Observer, RunStatus},
};

/// Keeps what it is told of waits.
#[derive(Default)]
struct Ear(Mutex<Vec<String>>);

impl Observer for Ear {
    fn waiting(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
}

const SPACE: &str = "/spaces/a%20b%2Fc/things";

fn page(id: u64, next: Option<&str>) -> Value {
    json!({ "items": [{ "id": id, "name": "thing" }], "next": next })
}

fn left(reset: &str) -> [(&str, &str); 3] {
    [("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset)]
}

async fn run(house: &House) -> (RunReport, Vec<String>) {
    let ear = Arc::new(Ear::default());
    let request = House::request(Target::Sync("by-cursor".into()));
    let report = execute(&house.instance, request, Stop::default(), ear.clone()).await.unwrap();
    let told = ear.0.lock().unwrap().clone();
    (report, told)
}

#[tokio::test]
async fn a_run_waits_for_what_its_api_allows_and_says_so() {
    let house = House::new().await;
    house.script.add(SPACE, 200, &left("12"), page(1, Some("x")));
    house.script.add(SPACE, 200, &left("30"), page(2, None));
    house.script.add(SPACE, 200, &[], page(1, None));
    let (report, told) = run(&house).await;
    succeeded(&report);
    assert_eq!(told, ["waiting 12 s for acme's limit"]);
    // The next run of the connection shares what the last one learned.
    let (report, told) = run(&house).await;
    succeeded(&report);
    assert_eq!(told, ["waiting 30 s for acme's limit"]);
}

#[tokio::test]
async fn a_limit_that_is_too_far_away_ends_the_run_with_its_time() {
    let house = House::new().await;
    house.script.add(SPACE, 200, &left("3600"), page(1, Some("x")));
    let (report, told) = run(&house).await;
    let error = report.error.expect("an error");
    assert_eq!((report.status, error.kind(), told.len()), (RunStatus::Error, ErrorKind::RateLimit, 0));
    assert!(error.to_string().contains("what the API allows is used up until 20"), "{error}");
    assert!(error.to_string().ends_with("(1 h 0 min), longer than the 10 min that a run waits"), "{error}");
    assert!(report.resumable && house.script.seen().len() == 1);
}
