//! Redaction of secrets for every auth mode: a server repeats them in every encoding and on every path; none is printed
//! or stored.
//!
//! The first auth mode runs all paths through the API, the others two of them; with `NANGO_TEST_LONG=1` all run all
//! paths.

mod cases;
mod fixture;
mod leaks;
mod providers;

use std::{fs, path::Path};

use nango_tests::{postgres, rng::is_long_run};
use serde_json::json;

use cases::{CredentialsCase, SecretGenerator, auth_mode, credentials_cases};
use fixture::Fixture;
use leaks::{find_leak, mark};

/// Runs commands on every path on which an API can repeat a secret.
fn exercise_api_paths(fixture: &mut Fixture, case: &CredentialsCase, outside_dir: &Path) {
    let credentials = case.credentials.to_string();
    let mut add = vec!["connection", "add", "github", "acme", "--auth"];
    add.push(auth_mode(case.provider));
    let file = outside_dir.join("value");
    let mut settings = Vec::new();
    for (name, value) in &case.set {
        fs::write(&file, value).expect("a file");
        settings.push(format!("{name}={}", file.display()));
    }
    for setting in &settings {
        add.extend(["--set-file", setting]);
    }
    let refused: Vec<&str> = add.iter().copied().chain(["--credentials", "-"]).collect();

    // The credentials are refused, by their verification or by the token endpoint.
    fixture.echo.set_secrets(&case.secrets);
    fixture.run(&refused, &credentials);
    fixture.echo.set_token(case.token.clone());
    fixture.echo.set_accepts_credentials(true);
    let no_verify: Vec<&str> = refused.iter().copied().chain(["--no-verify"]).collect();
    fixture.run(&no_verify, &credentials);
    assert_eq!(
        fixture.last_output().status,
        Some(0),
        "{}: {}{}",
        case.provider,
        fixture.last_output().stdout,
        fixture.last_output().stderr
    );
    fixture.run(&["connection", "show", "github", "acme"], "");
    fixture.run(&["connection", "list"], "");

    // Secrets in responses of the API.
    let mut all: Vec<String> = case.secrets.iter().chain(&case.obtained).cloned().collect();
    if matches!(case.provider, "refresh" | "mcp" | "mcp-generic") {
        // The given refresh token was replaced: the connection does not have it any more.
        all.remove(0);
    }
    fixture.echo.set_secrets(&all);
    let mut cases = vec!["status", "link", "redirect", "circle", "text", "record", "errors"];
    if case.provider != "key" && !is_long_run() {
        // The selection depends on the auth mode, so that each path runs with several of them.
        let rotation = case.provider.bytes().map(usize::from).sum::<usize>() % cases.len();
        cases.rotate_left(rotation);
        cases.truncate(2);
    }
    for case in cases {
        let metadata = json!({ "owner": "o", "repo": case }).to_string();
        fixture.registry.run(["connection", "set-metadata", "github", "acme", &metadata]).expect(0);
        fixture.run(&["run", "github", "repo-issues", "--connection", "acme"], "");
        assert_ne!(fixture.last_output().status, Some(0), "{case}: {}", fixture.last_output().stdout);
        let input = json!({ "owner": "o", "repo": case, "title": "t", "name": "n" }).to_string();
        fixture.run(&["run", "github", "create-issue", "--connection", "acme", "--input", "-"], &input);
    }
    // Secrets in a webhook payload, and in the input of a user.
    let payload = json!({ "action": "edited", "issue": { "id": all[0], "title": all } }).to_string();
    let hook = ["run", "github", "repo-issues", "--connection", "acme", "--webhook", "issues.edited", "--input", "-"];
    fixture.run(&hook, &payload);
    assert_ne!(fixture.last_output().status, Some(0), "{}", fixture.last_output().stdout);
    fixture.run(&["run", "github", "create-issue", "--connection", "acme", "--input", "-"], &payload);

    // The credentials are refused later.
    fixture.echo.set_token(None);
    fixture.echo.set_accepts_credentials(false);
    fixture.run(&["connection", "test", "github", "acme"], "");
    fixture.run(&["database", "backup", "backup.db"], "");
    if case.is_sent_unchanged {
        assert!(fixture.echo.received(&mark(&case.secrets[0])), "{}", case.provider);
    }
}

#[test]
fn secrets_repeated_by_server_are_neither_printed_nor_stored() {
    let cases = credentials_cases(&mut SecretGenerator::default());
    // Each case has a directory of its own; two run at a time.
    std::thread::scope(|scope| {
        for half in cases.chunks(cases.len().div_ceil(2)) {
            scope.spawn(|| half.iter().for_each(|case| drop(check_case(case, None))));
        }
    });
}

#[test]
fn secrets_repeated_by_server_are_not_stored_on_postgresql() {
    let Some(server) = postgres::server() else { return };
    for case in &credentials_cases(&mut SecretGenerator::default()) {
        let database = server.create_empty_database();
        let marks = check_case(case, Some(&database.url));
        for table in ["runs", "run_logs", "connections", "checkpoints", "meta"] {
            let rows = database.sql(&format!("SELECT t::text FROM nango_rs.{table} t"));
            assert_eq!(find_leak(&marks, rows.as_bytes()), None, "{} in {table}", case.provider);
        }
        assert_ne!(database.sql("SELECT count(*) FROM nango_rs.runs WHERE error IS NOT NULL"), "0");
    }
}

/// Runs every path with the credentials of a case and searches the output and the files. Returns the marks of the
/// secrets.
fn check_case(case: &CredentialsCase, database: Option<&str>) -> Vec<String> {
    let outside_dir = tempfile::tempdir().expect("a directory");
    let mut secrets_gen = SecretGenerator::default();
    let app_secret = secrets_gen.secret();
    secrets_gen.0.extend(case.secrets.iter().chain(&case.obtained).map(|secret| mark(secret)));
    let mut secrets = case.secrets.clone();
    secrets.push(app_secret.clone());
    let mut fixture = Fixture::new(case.provider, &app_secret, &mut secrets_gen);
    if let Some(url) = database {
        fixture.registry.env("NANGO_DATABASE_URL", url);
    }
    exercise_api_paths(&mut fixture, &CredentialsCase { secrets, ..case.clone() }, outside_dir.path());
    fixture.assert_no_leak(case.provider);
    fixture.marks
}
