//! Runs that are recorded and replayed: `run --record`, `replay` and `test new`.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Json, Router, http::HeaderMap, routing::get};
use nango_tests::{
    DatabaseKind, Registry, TestDatabase,
    octokit::{Recording, Scenario},
    serve,
};
use serde_json::{Value, json};

const TOKEN: &str = "the-clients-own-token";

fn connected(url: &str, repo: &str, database: &TestDatabase) -> Registry {
    let mut registry = Registry::new();
    registry.use_database(database);
    registry.base_url("github", url);
    let credentials = json!({ "access_token": TOKEN }).to_string();
    let add = ["connection", "add", "github", "octo", "--auth", "bearer", "--no-verify", "--credentials", &credentials];
    registry.run(add).expect(0);
    let metadata = json!({ "owner": "octokit-fixture-org", "repo": repo }).to_string();
    registry.run(["connection", "set-metadata", "github", "octo", &metadata]).expect(0);
    registry
}

/// Replays a recording in another directory, without configuration, connection and network.
fn replay(recording: &Path) -> Value {
    Registry::new().json([Path::new("replay"), recording, Path::new("--json")])
}

/// Checks that the replay of a recording is equal, and that the recording has no credentials.
fn check_replay(recording: &Path) -> Value {
    let text = fs::read_to_string(recording).expect("a recording");
    assert!(!text.contains(TOKEN) && text.contains("\"line\":\"end\""), "{text}");
    let replayed = replay(recording);
    assert_eq!((&replayed["equal"], &replayed["differences"]), (&json!(true), &json!([])), "{replayed:#}");
    replayed["report"].clone()
}

/// Records the sync of GitHub's recorded issues twice: the first run adds them, the second one finds them.
fn check_recorded_github(database: DatabaseKind) {
    let Some(database) = database.create() else { return };
    let start = || Recording::start(Scenario::PaginateIssues, TOKEN, &[("state", "all")]);
    let Some(github) = start() else { return };
    let registry = connected(github.url(), "paginate-issues", &database);
    let run =
        |file: &str| registry.run(["run", "github", "repo-issues", "--connection", "octo", "--record", file]).expect(0);
    let output = run("first.jsonl");
    assert!(output.stderr.contains("they may contain personal data"), "{}", output.stderr);
    github.finish();
    let first = registry.dir().join("first.jsonl");
    let report = check_replay(&first);
    assert_eq!((&report["models"]["GithubIssue"]["added"], &report["pages"]), (&json!(13), &json!(5)));
    assert!(report.get("run_id").is_none() && report.get("started_at").is_none(), "{report:#}");

    let Some(github) = start() else { return };
    registry.base_url("github", github.url());
    run("second.jsonl");
    github.finish();
    let report = check_replay(&registry.dir().join("second.jsonl"));
    assert_eq!(report["models"]["GithubIssue"]["unchanged"], 13);
}

#[test]
fn recorded_github_run_is_replayed_without_network() {
    check_recorded_github(DatabaseKind::Sqlite);
}

#[test]
fn run_on_postgresql_is_replayed_without_it() {
    check_recorded_github(DatabaseKind::Postgres);
}

/// API of one repository, without a delete guard in the way: its issues come in pages of two.
fn github_api() -> Router {
    async fn issues(headers: HeaderMap, query: axum::extract::RawQuery) -> (HeaderMap, Json<Value>) {
        let second = query.0.unwrap_or_default().contains("page=2");
        let ids = if second { 3..4 } else { 1..3 };
        let host = headers["host"].to_str().expect("a host").to_owned();
        let mut links = HeaderMap::new();
        if !second {
            let next = format!("<http://{host}/repos/octokit-fixture-org/demo/issues?page=2>; rel=\"next\"");
            links.insert("link", next.parse().expect("a header"));
            links.insert("set-cookie", "session=1".parse().expect("a header"));
        }
        (links, Json(ids.map(|id| issue(id, &headers)).collect()))
    }
    Router::new()
        .route("/repos/octokit-fixture-org/demo/issues", get(issues))
        .route("/repos/octokit-fixture-org/demo", get(|| async { Json(json!({ "id": 1 })) }))
}

/// Returns an issue whose title repeats the credentials.
fn issue(number: u64, headers: &HeaderMap) -> Value {
    let title = headers.get("authorization").map(|value| value.to_str().expect("a text").to_owned());
    json!({
        "id": number, "number": number, "title": title, "body": null, "state": "open", "state_reason": null,
        "html_url": format!("https://github.test/issues/{number}"), "user": { "id": 1, "login": "octocat" },
        "labels": [], "assignees": [], "comments": 0, "reactions": { "total_count": 2 },
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z", "closed_at": null,
    })
}

fn demo() -> Registry {
    with_file(&serve(github_api()), "demo")
}

/// Returns a registry with a database in a file of its directory.
fn with_file(url: &str, repo: &str) -> Registry {
    connected(url, repo, &DatabaseKind::Sqlite.create().expect("a database in a file"))
}

fn record(registry: &Registry, file: &str, args: &[&str]) -> String {
    let options = ["--connection", "octo", "--record", file];
    registry.run(["run", "github"].iter().chain(args).chain(&options)).expect(0).stderr
}

#[test]
fn every_type_of_function_is_recorded_and_replayed() {
    let registry = demo();
    let payload = json!({ "action": "edited", "issue": issue(1, &HeaderMap::new()) });
    let mut payload = payload;
    payload["issue"]["title"] = json!("changed");
    let payload = payload.to_string();
    for (file, args) in [
        ("dry.jsonl", &["repo-issues", "--dry-run"][..]),
        ("sync.jsonl", &["repo-issues"]),
        ("again.jsonl", &["repo-issues", "--full"]),
        ("reset.jsonl", &["repo-issues", "--reset", "--empty-cache"]),
        ("by-hand.jsonl", &["repo-issues-by-hand"]),
        ("event.jsonl", &["check-repository"]),
        ("webhook.jsonl", &["repo-issues", "--webhook", "issues.edited", "--input", &payload]),
        ("dry-webhook.jsonl", &["repo-issues", "--webhook", "issues.edited", "--dry-run", "--input", &payload]),
    ] {
        record(&registry, file, args);
        let report = check_replay(&registry.dir().join(file));
        let text = fs::read_to_string(registry.dir().join(file)).expect("a recording");
        assert!(!text.contains("set-cookie") && !text.contains("session=1"), "{file}: {text}");
        if file.starts_with("dry") {
            assert!(report["dry_run"]["GithubIssue"]["total"].is_u64(), "{file}: {report:#}");
        }
    }
}

/// API whose second page is not answered until it is released.
fn slow_api(released: &Arc<AtomicBool>) -> Router {
    let released = released.clone();
    let wait = move |request: axum::extract::Request, next: axum::middleware::Next| {
        let released = released.clone();
        async move {
            let is_second = request.uri().query().is_some_and(|query| query.contains("page=2"));
            while is_second && !released.load(Ordering::Relaxed) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            next.run(request).await
        }
    };
    github_api().layer(axum::middleware::from_fn(wait))
}

#[test]
fn interrupted_run_and_the_run_that_resumes_it_are_replayed() {
    let released = Arc::new(AtomicBool::new(false));
    let mut registry = with_file(&serve(slow_api(&released)), "demo");
    // The rows that the second run starts from are sealed in the database.
    registry.env("NANGO_ENCRYPT_RECORDS", "true");
    registry.run(["encryption", "on"]).expect(0);
    let run = |file| ["run", "github", "repo-issues", "--connection", "octo", "--json", "--record", file];
    let mut running = registry.start(run("first.jsonl"));
    let path = registry.dir().join("first.jsonl");
    running.wait_until("an exchange", |_| fs::read_to_string(&path).is_ok_and(|text| text.contains("\"exchange\"")));
    std::thread::sleep(std::time::Duration::from_millis(500));
    running.interrupt();
    running.finish().expect(130);
    let report = check_replay(&path);
    assert_eq!((&report["status"], &report["models"]["GithubIssue"]["added"]), (&json!("interrupted"), &json!(2)));
    released.store(true, Ordering::Relaxed);
    registry.run(run("second.jsonl")).expect(0);
    check_replay(&registry.dir().join("second.jsonl"));
    registry.run(run("third.jsonl")).expect(0);
    assert_eq!(check_replay(&registry.dir().join("third.jsonl"))["models"]["GithubIssue"]["unchanged"], 3);
}

#[test]
fn recorded_actions_are_replayed() {
    let Some(github) = Recording::start(Scenario::Labels, TOKEN, &[]) else { return };
    let registry = with_file(github.url(), "labels");
    let repository = json!({ "owner": "octokit-fixture-org", "repo": "labels" });
    let mut created = repository.clone();
    created["name"] = json!("test-label");
    created["color"] = json!("663399");
    let (list, create) = (repository.to_string(), created.to_string());
    record(&registry, "list.jsonl", &["list-labels", "--input", &list]);
    record(&registry, "create.jsonl", &["create-label", "--input", &create]);
    drop(github);
    let listed = check_replay(&registry.dir().join("list.jsonl"));
    assert_eq!(listed["output"].as_array().map(Vec::len), Some(9));
    assert_eq!(check_replay(&registry.dir().join("create.jsonl"))["output"]["id"], 1009);
}

#[test]
fn changed_recording_is_reported_with_a_difference() {
    let registry = demo();
    record(&registry, "run.jsonl", &["repo-issues"]);
    let text = fs::read_to_string(registry.dir().join("run.jsonl")).expect("a recording");
    registry.write("asked.jsonl", text.replacen("state=all", "state=open", 1));
    let output = registry.run(["replay", "asked.jsonl"]).expect(1);
    for part in [
        "- the recording of sync `github/repo-issues` has no answer for this request",
        "asked:    GET http://",
        "recorded: GET http://",
        "- `state` in the query is \"all\" instead of \"open\"",
    ] {
        assert!(output.stdout.contains(part), "{part}: {}", output.stdout);
    }
    registry.write("answered.jsonl", text.replacen("\\\"number\\\":3,", "\\\"number\\\":\\\"x\\\",", 1));
    let replayed = registry.run(["replay", "answered.jsonl", "--json"]).expect(1).json();
    assert_eq!(replayed["equal"], false, "{replayed:#}");
    assert!(replayed["differences"].to_string().contains("`status` in the report is"), "{replayed:#}");
}

#[test]
fn recording_that_ended_early_is_reported() {
    let registry = demo();
    record(&registry, "run.jsonl", &["repo-issues"]);
    let text = fs::read_to_string(registry.dir().join("run.jsonl")).expect("a recording");
    let end = text.find("{\"line\":\"end\"").expect("an end");
    for cut in [&text[..end], &text[..end + 20], &text[..end - 20]] {
        registry.write("cut.jsonl", cut);
        let output = registry.run(["replay", "cut.jsonl"]).expect(1);
        assert!(output.stderr.contains("the recording ended early: it has"), "{}", output.stderr);
    }
    assert!(text.starts_with("{\"line\":\"recording\",\"format\":1,"), "{}", &text[..60]);
    registry.write("later.jsonl", text.replacen("\"format\":1,", "\"format\":2,", 1));
    let output = registry.run(["replay", "later.jsonl"]).expect(2);
    let message = "later.jsonl: the recording has format 2, and this program reads formats up to 1: update the program";
    assert!(output.stderr.contains(message), "{}", output.stderr);
    registry.write("other.jsonl", "{}\n");
    let output = registry.run(["replay", "other.jsonl"]).expect(2);
    assert!(output.stderr.contains("other.jsonl: the file is not a recording"), "{}", output.stderr);
}

#[test]
fn killed_run_leaves_a_recording_that_is_reported() {
    let slow = Router::new().fallback(|| async { std::future::pending::<()>().await });
    let registry = with_file(&serve(slow), "demo");
    let run = ["run", "github", "repo-issues", "--connection", "octo", "--record", "run.jsonl"];
    let mut running = registry.start(run);
    let path = registry.dir().join("run.jsonl");
    running.wait_until("a recording", |_| fs::read_to_string(&path).is_ok_and(|text| text.contains("\"rows\"")));
    running.kill_now();
    let output = registry.run(["replay", "run.jsonl"]).expect(1);
    assert!(output.stderr.contains("the recording ended early"), "{}", output.stderr);
}

#[test]
fn recording_is_private_and_never_overwrites_a_file() {
    let registry = demo();
    registry.write("run.jsonl", "mine");
    let run = ["run", "github", "repo-issues", "--connection", "octo", "--record", "run.jsonl"];
    let output = registry.run(run).expect(2);
    assert!(output.stderr.contains("run.jsonl exists, and a recording never overwrites a file"), "{}", output.stderr);
    let path = registry.dir().join("run.jsonl");
    assert_eq!(fs::read_to_string(&path).expect("a file"), "mine");
    fs::remove_file(&path).expect("a file");
    record(&registry, "run.jsonl", &["repo-issues"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).expect("a file").permissions());
    assert_eq!(mode & 0o777, 0o600);
    let unknown = registry.run(["run", "github", "repo-issues", "--connection", "x", "--record", "x.jsonl"]).expect(2);
    assert!(!registry.dir().join("x.jsonl").exists(), "{}", unknown.stderr);
}

#[test]
fn link_in_place_of_a_new_recording_is_not_followed() {
    let registry = demo();
    std::os::unix::fs::symlink("elsewhere.jsonl", registry.dir().join("link.jsonl")).expect("a link");
    let run = ["run", "github", "repo-issues", "--connection", "octo", "--record", "link.jsonl"];
    assert!(registry.run(run).expect(2).stderr.contains("exists"));
    assert!(!registry.dir().join("elsewhere.jsonl").exists());
}

#[test]
fn test_of_a_recording_is_written_once() {
    let registry = Registry::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let copy = |file: &str| {
        let to = registry.dir().join(file);
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(root.join(file), to).expect("a copy");
    };
    for file in [
        "integrations/Cargo.toml",
        "integrations/src/github/repo_issues.rs",
        "integrations/tests/recordings/repo-issues.jsonl",
    ] {
        copy(file);
    }
    let new = ["test", "new", "github", "repo-issues", "--from", "integrations/tests/recordings/repo-issues.jsonl"];
    let document = registry.json(new.iter().chain(&["--json"]));
    let expect = json!({
        "file": "integrations/src/github/repo_issues/replay_repo_issues.rs",
        "module": "replay_repo_issues",
        "declare_in": "integrations/src/github/repo_issues.rs",
    });
    assert_eq!(document, expect);
    fs::remove_file(registry.dir().join(expect["file"].as_str().expect("a file"))).expect("a file");
    let output = registry.run(new).expect(0);
    assert!(output.stdout.ends_with("  #[cfg(test)]\n  mod replay_repo_issues;\n"), "{}", output.stdout);
    let written = "integrations/src/github/repo_issues/replay_repo_issues.rs";
    let text = |folder: &Path| fs::read_to_string(folder.join(written)).expect("a test");
    // The same file is a test of the examples, so that it is compiled and run.
    assert_eq!(text(registry.dir()), text(root));
    let output = registry.run(new).expect(2);
    assert!(output.stderr.contains("exists and is not overwritten"), "{}", output.stderr);
    let other = registry.run(["test", "new", "github", "issues-demo", "--from", new[5]]).expect(2);
    assert!(other.stderr.contains("is of sync `github/repo-issues`"), "{}", other.stderr);
}
