//! Values in request paths: an input of an action or a connection's metadata addresses the resource that the function
//! names, or no request is sent.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Json, Router,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use nango_tests::{Output, Registry, serve};
use serde_json::{Value, json};

/// A GitHub API that responds to each request with the same issue (204 for DELETE), and a registry with a connection to
/// it.
struct Fixture {
    registry: Registry,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Fixture {
    fn new() -> Self {
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&seen);
        let handler = move |request: Request| {
            let request_line = format!("{} {}", request.method(), request.uri());
            let status = if request_line.starts_with("DELETE ") { StatusCode::NO_CONTENT } else { StatusCode::OK };
            log.lock().unwrap_or_else(PoisonError::into_inner).push(request_line);
            async move { respond(status) }
        };
        let registry = Registry::new();
        // The base URL has a path of its own, so that a request outside it is noticed.
        registry.base_url("github", &format!("{}/api", serve(Router::new().fallback(handler))));
        registry.connect("github", "c");
        let fixture = Self { registry, requests: seen };
        fixture.take_requests();
        fixture
    }

    /// Returns the requests since the last call, as method and target.
    fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn run_action(&self, name: &str, input: &Value) -> (Output, Vec<String>) {
        let input = input.to_string();
        let output = self.registry.run(["run", "github", name, "--connection", "c", "--input", &input]);
        (output, self.take_requests())
    }

    /// Asserts that an action with this input sends exactly this request.
    #[track_caller]
    fn assert_sends(&self, name: &str, input: &Value, request: &str) {
        let (output, seen) = self.run_action(name, input);
        assert_eq!((output.status, seen), (Some(0), vec![request.to_owned()]), "{input}: {}", output.stderr);
    }

    /// Asserts that an action with this input fails before a request is sent, and that the error names the value.
    #[track_caller]
    fn assert_refuses(&self, name: &str, input: &Value, value: &str) {
        let (output, seen) = self.run_action(name, input);
        assert_eq!((output.status, seen), (Some(1), vec![]), "{input}: {}", output.stderr);
        assert!(output.stderr.contains(value), "no {value:?} in {}", output.stderr);
    }
}

fn respond(status: StatusCode) -> Response {
    if status == StatusCode::NO_CONTENT {
        return status.into_response();
    }
    let time = "2026-01-01T00:00:00Z";
    let issue = json!({
        "id": 1, "number": 1, "html_url": "https://github.test/1", "title": "One", "body": null, "state": "open",
        "state_reason": null, "user": null, "reactions": null, "created_at": time, "updated_at": time,
        "closed_at": null, "pull_request": null,
    });
    (status, Json(issue)).into_response()
}

fn label(owner: &str, repo: &str, name: &str) -> Value {
    json!({ "owner": owner, "repo": repo, "name": name })
}

#[test]
fn action_encodes_its_input_in_the_request_path() {
    let github = Fixture::new();
    let delete = |name: &str, segment: &str| {
        let request = format!("DELETE /api/repos/o/r/labels/{segment}");
        github.assert_sends("delete-label", &label("o", "r", name), &request);
    };
    delete("C#", "C%23");
    delete("what?", "what%3F");
    delete("../../other", "..%2F..%2Fother");
    delete("../../../../../orgs/victim", "..%2F..%2F..%2F..%2F..%2Forgs%2Fvictim");
    delete("%2e%2e", "%252e%252e");
    delete("..\\..\\other", "..%5C..%5Cother");
    delete("good first issue", "good%20first%20issue");
    github.assert_sends("delete-label", &label("../user", "repos", "x"), "DELETE /api/repos/..%2Fuser/repos/labels/x");
    let change = json!({ "owner": "o", "repo": "r#", "number": 1, "state": "open" });
    github.assert_sends("update-issue", &change, "PATCH /api/repos/o/r%23/issues/1");
}

#[test]
fn action_sends_nothing_when_input_is_not_a_path_segment() {
    let github = Fixture::new();
    for name in ["", ".", ".."] {
        github.assert_refuses("delete-label", &label("o", "r", name), &format!("`name` is {name:?} in the path"));
    }
    github.assert_refuses("delete-label", &label("..", "r", "x"), "`owner` is \"..\" in the path");
    github.assert_refuses("list-labels", &json!({ "owner": "o", "repo": ".." }), "`repo` is \"..\" in the path");
    github.assert_refuses(
        "update-issue",
        &json!({ "owner": "o", "repo": "..", "number": 1, "state": "open" }),
        "`repo` is \"..\"",
    );
}

#[test]
fn connection_is_refused_when_metadata_is_not_a_path_segment() {
    let github = Fixture::new();
    let add = |metadata: &Value| {
        let metadata = metadata.to_string();
        let add =
            ["connection", "add", "github", "d", "--auth", "bearer", "--credentials", "\"t\"", "--metadata", &metadata];
        github.registry.run(add)
    };
    let output = add(&json!({ "owner": "..", "repo": "user" }));
    assert_ne!(output.status, Some(0), "{}", output.stderr);
    assert!(output.stderr.contains("`owner` is \"..\" in the path `/repos/{owner}/{repo}`"), "{}", output.stderr);
    let seen = github.take_requests();
    assert!(seen.iter().all(|request| request != "GET /api/user" && request != "GET /user"), "{seen:?}");

    add(&json!({ "owner": "o", "repo": "../../internal/admin?x=1#" })).expect(0);
    assert!(github.take_requests().contains(&"GET /api/repos/o/..%2F..%2Finternal%2Fadmin%3Fx%3D1%23".to_owned()));
}

#[test]
fn sync_sends_nothing_when_metadata_is_not_a_path_segment() {
    let github = Fixture::new();
    let metadata = r#"{"owner":"o","repo":".."}"#;
    github.registry.run(["connection", "set-metadata", "github", "c", metadata]).expect(0);
    for sync in ["repo-issues", "repo-issues-by-hand"] {
        let output = github.registry.run(["run", "github", sync, "--connection", "c"]).expect(1);
        assert!(
            output.stderr.contains("`repo` is \"..\" in the path `/repos/{owner}/{repo}/issues?state=all`"),
            "{}",
            output.stderr
        );
    }
    assert!(github.take_requests().is_empty());
}
