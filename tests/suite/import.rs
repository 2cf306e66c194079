//! `registry import nango`: from a server of this program to a database of its own.

use std::collections::BTreeSet;

use integrations::standin::{PAGED_REPOSITORY, Standin};
use nango_tests::{ApiServer, Output, Registry, api_server::API_KEY, wait};
use reqwest::Method;
use serde_json::{Value, json};

use crate::synced_registry::texts_in_files;

const SECRETS: [&str; 4] = ["hush-token", "hush-refresh", "hush-app-secret", API_KEY];

struct Fixture {
    source: ApiServer,
    target: Registry,
    _source_files: Registry,
    _standin: Standin,
}

impl Fixture {
    fn new() -> Self {
        let standin = wait(Standin::start()).expect("a stand-in");
        let mut files = Registry::new();
        let app = "client_id = \"app-1\"\nscopes = [\"repo\", \"user\"]\n";
        let own = "[integrations.own]\nprovider = \"slack\"\n";
        let github = format!("[integrations.github]\nbase_url = \"{}\"\n{app}", standin.url());
        files.config(&format!("{github}{own}"));
        files.env("NANGO_APP_GITHUB_CLIENT_SECRET", "hush-app-secret");
        let source = ApiServer::start(&mut files);
        let mut target = Registry::new();
        target.base_url("github", standin.url());
        target.env("NANGO_IMPORT_KEY", API_KEY);
        Self { source, target, _source_files: files, _standin: standin }
    }

    /// Adds a connection to the source, or replaces its credentials.
    fn add(&self, integration: &str, id: &str, token: &str) {
        let (owner, repo) = PAGED_REPOSITORY.split_once('/').expect("owner/name");
        let body = json!({
            "provider_config_key": integration, "connection_id": id,
            "credentials": { "type": "OAUTH2", "access_token": token, "refresh_token": "hush-refresh" },
            "metadata": { "owner": owner, "repo": repo }, "tags": { "plan": "pro" },
            "end_user": { "id": "u1", "organization": { "id": "o1" } },
        });
        self.source.send(Method::POST, "/connections", &body).expect(201);
    }

    fn import(&self, args: &[&str]) -> Output {
        self.target.run(["import", "nango", "--host", self.source.url()].iter().chain(args))
    }

    #[track_caller]
    fn summary(&self, args: &[&str], exit: i32) -> (Value, Vec<(String, String)>) {
        let report = self.import(&[&["--json"], args].concat()).expect(exit).json();
        let texts = |entry: &Value| (entry["connection_id"].to_string(), entry["status"].to_string());
        let connections = report["connections"].as_array().expect("a list").iter().map(texts).collect();
        (report, connections)
    }
}

fn pairs(expect: &[(&str, &str)]) -> Vec<(String, String)> {
    expect.iter().map(|(id, status)| (format!("\"{id}\""), format!("\"{status}\""))).collect()
}

#[test]
fn import_copies_connections_and_is_repeatable() {
    let fixture = Fixture::new();
    fixture.add("github", "a/b c", "hush-token");
    fixture.add("github", "acme", "hush-token");
    let dry = fixture.import(&["--dry-run"]).expect(0);
    assert!(dry.stdout.contains("would create connection acme of github"), "{}", dry.stdout);
    assert!(!fixture.target.database().exists(), "a dry run creates no database");
    assert!(dry.stderr.contains("2 connections with a refresh token"), "{}", dry.stderr);
    for part in
        ["[integrations.github]", "client_id = \"app-1\"", "scopes = [\"repo\", \"user\"]", "[integrations.own]"]
    {
        assert!(dry.stdout.contains(part), "{part}: {}", dry.stdout);
    }
    assert!(dry.stdout.contains("set the environment variable NANGO_APP_GITHUB_CLIENT_SECRET"), "{}", dry.stdout);

    let both = |status| pairs(&[("a/b c", status), ("acme", status)]);
    let (report, connections) = fixture.summary(&[], 0);
    assert_eq!((connections, &report["summary"]["created"]), (both("created"), &json!(2)));
    let shown =
        |show: &[&str]| fixture.target.json(["connection", "show", "github", "a/b c", "--json"].iter().chain(show));
    let first = shown(&["--show-secrets"]);
    assert_eq!(
        (&first["credentials"]["access_token"], &first["credentials"]["refresh_token"]),
        (&json!("hush-token"), &json!("hush-refresh"))
    );
    assert_eq!((&first["tags"]["plan"], &first["end_user"]["organization"]["id"]), (&json!("pro"), &json!("o1")));
    assert_eq!(fixture.summary(&[], 0).1, both("unchanged"));
    assert_eq!(shown(&["--show-secrets"]), first);

    // The source changes, then the connection here.
    fixture.add("github", "a/b c", "hush-token-2");
    assert_eq!(fixture.summary(&[], 0).1, pairs(&[("a/b c", "updated"), ("acme", "unchanged")]));
    assert_eq!(shown(&["--show-secrets"])["credentials"]["access_token"], "hush-token-2");
    fixture.target.run(["connection", "set-metadata", "github", "acme", r#"{"owner":"x","repo":"y"}"#]).expect(0);
    assert_eq!(fixture.summary(&[], 0).1, pairs(&[("a/b c", "unchanged"), ("acme", "newer")]));
    let kept = fixture.import(&[]).expect(0);
    assert!(kept.stdout.contains("kept connection acme of github: it is newer here"), "{}", kept.stdout);
    assert_eq!(fixture.summary(&["--overwrite-newer"], 0).1, pairs(&[("a/b c", "unchanged"), ("acme", "updated")]));

    let all = [dry.stdout, dry.stderr, report.to_string(), kept.stdout, kept.stderr].concat();
    let secrets = SECRETS.map(str::to_owned).into();
    assert_eq!(texts_in_files(fixture.target.dir(), &secrets), BTreeSet::new());
    assert!(secrets.iter().all(|secret| !all.contains(secret)), "{all}");
}

#[test]
fn connection_of_a_missing_integration_is_skipped_and_named() {
    let fixture = Fixture::new();
    fixture.add("github", "acme", "hush-token");
    fixture.add("own", "b", "hush-token");
    let (report, connections) = fixture.summary(&[], 1);
    assert_eq!(connections, pairs(&[("acme", "created"), ("b", "skipped")]));
    assert_eq!(report["connections"][1]["reason"], "the integration `own` does not exist here");
    assert_eq!(fixture.summary(&["--integration", "github"], 0).1, pairs(&[("acme", "unchanged")]));
    let unknown = fixture.import(&["--integration", "none"]).expect(2);
    assert!(unknown.stderr.contains("the source has no `none`"), "{}", unknown.stderr);
}

#[test]
fn key_is_read_from_stdin_and_a_refused_one_is_reported() {
    let fixture = Fixture::new();
    let args = ["import", "nango", "--host", fixture.source.url(), "--key", "-", "--dry-run"];
    fixture.target.run_with_input(args, API_KEY).expect(0);
    let refused = fixture.target.run_with_input(args, "hush-key-of-another-server-0123456789").expect(1);
    assert!(refused.stderr.contains("returned 401") && !refused.stderr.contains("hush"), "{}", refused.stderr);
    let inline = fixture.import(&["--key", "hush"]).expect(2);
    assert!(inline.stderr.contains("pass the key as @FILE") && !inline.stderr.contains("hush"), "{}", inline.stderr);
}
