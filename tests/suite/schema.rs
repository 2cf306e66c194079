//! `schema`: the bundle is deterministic, equals the checked-in file, and matches the stored records.

use integrations::standin::{DEMO_REPOSITORY, Standin};
use nango_tests::{Registry, wait};
use serde_json::{Value, json};

use crate::frozen;

#[test]
fn schema_bundle_is_byte_identical_between_two_runs() {
    let bundle = || Registry::new().run(["schema", "--format", "json-schema"]).expect(0).stdout;
    let first = bundle();
    assert_eq!(first, bundle());
    let value: Value = serde_json::from_str(&first).expect("JSON");
    assert_eq!(value["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(value["integrations"]["github"]["models"]["GithubIssue"].is_object());
}

/// Programs of users are generated from the schemas. A change of the export, of a derive or of an example changes the
/// file, so that a review sees it.
#[test]
fn schema_bundle_of_examples_equals_golden_file() {
    let bundle = Registry::new().run(["schema", "--format", "json-schema"]).expect(0).stdout;
    frozen::check("schema.json", &bundle.lines().collect::<Vec<_>>());
}

#[test]
fn model_schema_validates_records_stored_by_demo() {
    let registry = Registry::new();
    registry.run(["--database", "sqlite:demo.db", "demo"]).expect(0);

    let schema =
        registry.json(["schema", "--format", "json-schema", "--integration", "github", "--model", "GithubIssue"]);
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let mut read =
        ["--database", "sqlite:demo.db", "records", "github", "GithubIssue", "--connection", "stand-in"].to_vec();
    read.push("--json");
    let page = registry.json(read);
    let records = page["records"].as_array().expect("records");
    assert!(records.len() > 5, "{page:#}");
    for record in records {
        let mut record = record.clone();
        record.as_object_mut().expect("an object").remove("_nango_metadata");
        let faults: Vec<String> = validator.iter_errors(&record).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{record:#}");
    }
}

#[test]
fn input_and_output_schemas_follow_serde_direction() {
    let bundle = Registry::new().json(["schema", "--format", "json-schema"]);
    let models = &bundle["integrations"]["github"]["models"];
    let required = |model: &str| models[model]["required"].as_array().cloned().unwrap_or_default();
    assert!(!required("UpdateIssueInput").contains(&json!("title")), "{}", models["UpdateIssueInput"]);
    assert!(required("GithubIssue").contains(&json!("closed_at")), "{}", models["GithubIssue"]);
}

#[test]
fn stand_in_listens_on_loopback_and_adds_issues() {
    let standin = wait(Standin::start()).expect("a stand-in");
    assert!(standin.url().starts_with("http://127.0.0.1:"));
    assert!(standin.add_issue(DEMO_REPOSITORY, "One more", &[]).is_some());
}
