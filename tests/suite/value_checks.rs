//! Values of the command line that do not fit the declared types: refused before anything is stored.

use nango_tests::{Output, Registry};
use serde_json::{Value, json};

#[track_caller]
fn assert_refused(output: &Output, parts: &[&str]) {
    assert_eq!(output.status, Some(2), "{}\n{}", output.stdout, output.stderr);
    for part in parts {
        assert!(output.stderr.contains(part), "no {part:?} in: {}", output.stderr);
    }
}

/// No server listens there: a request would be another error with exit status 1.
fn proof() -> Registry {
    let registry = Registry::proof("http://127.0.0.1:9");
    registry.connect("proof", "acme");
    registry
}

#[test]
fn checkpoint_that_does_not_fit_is_refused_and_the_stored_one_stays() {
    let registry = proof();
    let run = |checkpoint: &str| {
        registry.run(["run", "proof", "notes", "--connection", "acme", "--json", "--checkpoint", checkpoint])
    };
    let stored = run(r#"{"after":"n1"}"#);
    assert_eq!(stored.status, Some(1), "the server does not answer: {}", stored.stderr);
    let checkpoint =
        |output: &Output| serde_json::from_str::<Value>(&output.stdout).expect("JSON")["checkpoint"].clone();
    assert_eq!(checkpoint(&stored), json!({ "after": "n1" }));

    assert_refused(&run(r#"{"after":1}"#), &["--checkpoint", "`after`: invalid type", "fields: `after`: string"]);
    assert_refused(&run(r#"{"aftr":"n2"}"#), &["unknown field `aftr`", "did you mean `after`?"]);
    assert_refused(&run("{}"), &["missing field `after`"]);
    let again = registry.run(["run", "proof", "notes", "--connection", "acme", "--json"]);
    assert_eq!(checkpoint(&again), json!({ "after": "n1" }));
}

#[test]
fn payload_and_input_that_do_not_fit_are_refused() {
    let registry = proof();
    let webhook = ["run", "proof", "items", "--connection", "acme", "--webhook", "changed", "--input"];
    assert_refused(
        &registry.run(webhook.iter().chain(&[r#"{"id":7}"#])),
        &["--input", "`id`", "`text`: string | null"],
    );

    let registry = Registry::new();
    registry.run(["connection", "add", "github", "acme", "--auth", "none"]).expect(0);
    let create = ["run", "github", "create-issue", "--connection", "acme", "--input"];
    let input = r#"{"owner":"a","repo":"b","title":3}"#;
    assert_refused(&registry.run(create.iter().chain(&[input])), &["--input", "`title`: invalid type: an integer"]);
}

#[test]
fn metadata_that_no_function_reads_is_refused_and_not_stored() {
    let registry = Registry::new();
    let add = ["connection", "add", "github", "acme", "--auth", "none", "--no-verify", "--metadata"];
    let misspelt = registry.run(add.iter().chain(&[r#"{"ownr":"a","rpo":"b"}"#]));
    assert_refused(&misspelt, &["`ownr`", "no function of `github` reads", "did you mean `owner`?"]);
    assert_refused(&registry.run(add.iter().chain(&[r#"{"owner":1,"repo":"b"}"#])), &["`owner`: invalid type"]);
    assert_eq!(registry.json(["connection", "list", "--json"])["connections"], json!([]));

    registry.run(["connection", "add", "github", "acme", "--auth", "none", "--no-verify"]).expect(0);
    let set = ["connection", "set-metadata", "github", "acme"];
    assert_refused(&registry.run(set.iter().chain(&[r#"{"owner":"a"}"#])), &["missing field `repo`"]);
    registry.run(set.iter().chain(&[r#"{"owner":"a","repo":"b","plan":"free"}"#])).expect(0);
    // The merged object is checked, not only what is given.
    registry.run(set.iter().chain(&[r#"{"repo":"c"}"#, "--merge"])).expect(0);
    let run = ["run", "github", "repo-issues", "--connection", "acme", "--metadata", r#"{"owner":"a"}"#];
    assert_refused(&registry.run(run), &["--metadata", "missing field `repo`", "fields: `owner`: string"]);
}
