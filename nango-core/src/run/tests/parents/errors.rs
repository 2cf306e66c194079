//! Errors of a parent's list: the parent is skipped, or the run fails.

use super::*;

#[tokio::test]
async fn refused_parent_is_skipped_and_keeps_its_children() {
    let fixture = Messages::of_channels().fixture(&["a", "b", "c"]).await;
    for channel in ["a", "b", "c"] {
        fixture.list(&format!("/messages/{channel}"), &[&format!("{channel}1"), &format!("{channel}2")], None);
    }
    fixture.walked().await;
    for status in [403, 404, 410] {
        fixture.list("/messages/a", &["a1"], None);
        fixture.fails("/messages/b", status);
        let (report, _) = fixture.run_messages().await;
        assert_succeeded(&report);
        assert_eq!(counts(&report), (2, 1), "{status}");
        assert_eq!(fixture.log_lines(&report, "skipped parent `b`: GET").await, 1, "{status}");
        assert_eq!(fixture.message_ids().await, ["a1", "b1", "b2", "c1", "c2"], "{status}");
    }
}

#[tokio::test]
async fn error_that_concerns_all_parents_fails_the_run() {
    for status in [400, 401, 429, 500] {
        let fixture = Messages::of_channels().fixture(&["a", "b", "c"]).await;
        fixture.list("/messages/a", &["a1"], None);
        fixture.fails("/messages/b", status);
        let (report, requests) = fixture.run_messages().await;
        assert_eq!((report.status, report.resumable), (RunStatus::Error, true), "{status}");
        assert_eq!(requests.last().map(String::as_str), Some("/messages/b"), "{status}");
        let message = report.error.unwrap().to_string();
        assert!(message.starts_with("parent `b`: "), "{message}");
        assert_eq!(fixture.message_ids().await, ["a1"]);
    }
}

#[tokio::test]
async fn declared_error_skips_the_parent_unless_it_is_fatal() {
    let errors = vec![ErrorAt::when("ok", false).message("error").fatal(["invalid_auth"])];
    let fixture = Messages { errors, ..Messages::of_channels() }.fixture(&["a", "b"]).await;
    fixture.list("/messages/a", &["a1"], None);
    fixture.script.add("/messages/b", 200, &[], json!({ "ok": false, "error": "not_in_channel" }));
    let (report, _) = fixture.run_messages().await;
    assert_succeeded(&report);
    assert_eq!(counts(&report), (1, 1));
    fixture.script.add("/messages/b", 200, &[], json!({ "ok": false, "error": "invalid_auth" }));
    let (report, _) = fixture.run_messages().await;
    assert_eq!(report.status, RunStatus::Error);
}

#[tokio::test]
async fn every_error_of_a_response_is_skipped_if_declared() {
    let skip = Messages { on_error: OnParentError::Skip, ..Messages::of_channels() };
    let fixture = skip.fixture(&["a", "b", "c", "d"]).await;
    fixture.list("/messages/a", &["a1"], None);
    fixture.fails("/messages/b", 500);
    fixture.script.add("/messages/c", 200, &[], json!({ "no_items": true }));
    fixture.script.add("/messages/d", 200, &[], json!({ "items": [{ "no_id": true }] }));
    let (report, _) = fixture.run_messages().await;
    assert_succeeded(&report);
    assert_eq!(counts(&report), (1, 3));
    fixture.fails("/messages/b", 401);
    let (report, _) = fixture.run_messages().await;
    assert_eq!(report.status, RunStatus::Error);
}

#[tokio::test]
async fn no_error_is_skipped_if_declared() {
    let fixture = Messages { on_error: OnParentError::Fail, ..Messages::of_channels() }.fixture(&["a", "b"]).await;
    fixture.list("/messages/a", &["a1"], None);
    fixture.fails("/messages/b", 404);
    let (report, _) = fixture.run_messages().await;
    assert_eq!(report.status, RunStatus::Error);
}

#[tokio::test]
async fn run_fails_if_no_parent_can_be_walked_and_the_next_one_requests_all_again() {
    let fixture = Messages::of_channels().fixture(&["a", "b"]).await;
    fixture.fails("/messages/a", 403);
    fixture.fails("/messages/b", 404);
    for _ in 0..2 {
        let (report, requests) = fixture.run_messages().await;
        assert_eq!((report.status, counts(&report)), (RunStatus::Error, (0, 2)));
        assert_eq!(requests, ["/messages/a", "/messages/b"]);
        let error = report.error.unwrap();
        assert_eq!(error.http().unwrap().status, 403);
        assert!(error.to_string().starts_with("the list of none of 2 parents could be read"), "{error}");
    }
}

#[tokio::test]
async fn number_of_lines_about_skipped_parents_is_limited() {
    let ids: Vec<String> = (0..150).map(|i| format!("c{i:03}")).collect();
    let channels: Vec<&str> = ids.iter().map(String::as_str).collect();
    let fixture = Messages { at_once: 8, ..Messages::of_channels() }.fixture(&channels).await;
    fixture.list("/messages/c000", &["m"], None);
    ids[1..].iter().for_each(|id| fixture.fails(&format!("/messages/{id}"), 403));
    let (report, _) = fixture.run_messages().await;
    assert_succeeded(&report);
    assert_eq!(counts(&report), (1, 149));
    assert_eq!(fixture.log_lines(&report, "skipped parent").await, 100);
    assert_eq!(fixture.log_lines(&report, "further lines about single parents are left out").await, 1);
    assert_eq!(fixture.log_lines(&report, "the lists of 1 parents were walked, 149 were skipped").await, 1);
}

#[tokio::test]
async fn failed_run_stops_the_walks_of_the_other_parents() {
    let fixture = Messages { at_once: 3, ..Messages::of_channels() }.fixture(&["a", "b", "c", "d"]).await;
    for channel in ["a", "c"] {
        for page in 0..50 {
            let (id, next) = (format!("{channel}{page}"), format!("p{page}"));
            fixture.list(&format!("/messages/{channel}"), &[&id], (page < 49).then_some(&next));
        }
    }
    fixture.fails("/messages/b", 500);
    fixture.list("/messages/d", &["d1"], None);
    let (report, requests) = fixture.run_messages().await;
    assert_eq!(report.status, RunStatus::Error);
    assert!(requests.len() < 40 && !requests.contains(&"/messages/d".to_owned()), "{requests:?}");
}
