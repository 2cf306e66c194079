//! `registry doctor`: findings, exit codes, and secrets.

use nango_tests::{Registry, Running};
use serde_json::Value;

fn doctor(registry: &Registry, arguments: &[&str], exit: i32) -> Value {
    let output = registry.run([&["doctor", "--json"][..], arguments].concat()).expect(exit);
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", output.stdout))
}

fn status<'a>(report: &'a Value, check: &str) -> &'a str {
    let checks = report["checks"].as_array().expect("checks");
    let found = checks.iter().find(|found| found["check"] == check);
    found.and_then(|found| found["status"].as_str()).unwrap_or_else(|| panic!("no check `{check}`: {report:#}"))
}

#[test]
fn new_folder_has_a_warning_and_no_error() {
    let registry = Registry::new();
    let report = doctor(&registry, &[], 0);
    assert_eq!((&report["ok"], status(&report, "database")), (&Value::Bool(true), "warning"));
    assert_eq!(status(&report, "configuration"), "ok");
    let shown = registry.run(["doctor"]).expect(0);
    assert!(shown.stdout.contains("warning  database: there is no database nango.db"), "{}", shown.stdout);
    assert!(shown.stdout.contains("next step: run `registry connection add`"), "{}", shown.stdout);
}

#[test]
fn unavailable_database_is_an_error_without_its_password() {
    let registry = Registry::new();
    let report = doctor(&registry, &["--database", "postgres://nango:hush@127.0.0.1:1/nango"], 1);
    assert_eq!((&report["ok"], status(&report, "database")), (&Value::Bool(false), "error"));
    assert!(!report.to_string().contains("hush"), "{report:#}");
}

#[test]
fn unusable_configuration_is_an_error() {
    let registry = Registry::new();
    registry.config("[server]\nlisten = \"no-address\"\n");
    let report = doctor(&registry, &[], 1);
    assert_eq!(status(&report, "configuration"), "error");
}

#[test]
fn serving_process_is_found_and_its_settings_are_printed() {
    let mut registry = Registry::new();
    registry.env("NANGO_API_KEY", "hush-hush-hush-hush-hush-hush-hush-hush");
    let (running, _): (Running, String) = nango_tests::api_server::serve(&registry, &[]);
    let report = doctor(&registry, &[], 0);
    for check in ["database", "clock", "server", "schedules", "runs", "encryption key", "files"] {
        assert_eq!(status(&report, check), "ok", "{check}: {report:#}");
    }
    running.terminate();
    let output = running.finish().expect(0);
    for line in ["database: nango.db", "API keys: NANGO_API_KEY and stored ones", "delete_runs_after: 360 h"] {
        assert!(output.stderr.lines().any(|found| found == line), "`{line}` in: {}", output.stderr);
    }
    assert!(!output.stderr.contains("hush") && !report.to_string().contains("hush"), "{}", output.stderr);
}
