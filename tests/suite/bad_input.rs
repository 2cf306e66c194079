//! Invalid input: the error names the item, the allowed values and the next step, and no data is lost.

use std::io::{Read, Write};

use axum::{Json, Router, routing::get};
use nango_tests::{Output, Registry, serve};
use serde_json::{Value, json};

#[track_caller]
fn assert_output(output: &Output, status: i32, parts: &[&str]) {
    assert_eq!(output.status, Some(status), "{}\n{}", output.stdout, output.stderr);
    for part in parts {
        assert!(output.stderr.contains(part), "no {part:?} in: {}", output.stderr);
    }
}

#[test]
fn misspelt_name_is_refused_with_suggestion_and_list() {
    let registry = Registry::new();
    registry.run(["connection", "add", "github", "acme", "--auth", "none"]).expect(0);
    let check = |args: &[&str], parts: &[&str]| assert_output(&registry.run(args), 2, parts);

    check(&["run", "githb", "issues-demo", "--connection", "acme"], &["githb", "`github`", "`hubspot`"]);
    check(&["run", "github", "isues-demo", "--connection", "acme"], &["isues-demo", "`issues-demo`", "`repo-issues`"]);
    check(&["run", "github", "issues-demo", "--connection", "acne"], &["acne", "`acme`"]);
    check(&["records", "github", "GithubIsue", "--connection", "acme"], &["GithubIsue", "`GithubIssue`"]);
    check(&["describe", "github", "create-isue"], &["create-isue", "`create-issue`"]);
    check(&["run", "github", "issues-demo", "--conection", "acme"], &["--conection", "--connection"]);
    check(&["lst"], &["lst", "list"]);
    check(&["connection", "add", "github", "x", "--auth", "baerer"], &["baerer", "bearer"]);
    check(&["schema", "--format", "json-shema"], &["json-shema", "json-schema"]);
}

#[test]
fn misspelt_configuration_key_is_reported_with_location() {
    let registry = Registry::new();
    let check = |toml: &str, parts: &[&str]| {
        registry.config(toml);
        assert_output(&registry.run(["list"]), 3, parts);
    };
    check("[integrations.github]\nbase_ulr = \"https://x.test\"\n", &["base_ulr", "`base_url`", "nango.toml"]);
    check("databse = \"sqlite:x.db\"\n", &["databse", "`database`"]);
    check("[integrations.github]\nbase_url = \"ftp://x.test\"\n", &["base_url", "http"]);
    check("[integrations.github\n", &["nango.toml"]);
    check("[integrations.github]\nbase_url = 7\n", &["base_url"]);
    assert_output(&registry.run(["--config", "missing.toml", "list"]), 3, &["missing.toml"]);
}

#[test]
fn credentials_of_another_shape_are_refused_without_being_shown() {
    let registry = Registry::new();
    let check = |auth: &str, credentials: &str, parts: &[&str]| {
        let output = registry.run(["connection", "add", "github", "x", "--auth", auth, "--credentials", credentials]);
        assert_output(&output, 2, parts);
        assert!(!format!("{}{}", output.stdout, output.stderr).contains("s3cret"), "{}", output.stderr);
    };
    check("bearer", r#"{"acess_token":"s3cret"}"#, &["acess_token", "access_token"]);
    check("basic", r#"{"username":"u","pasword":"s3cret"}"#, &["pasword", "password"]);
    check("bearer", r#"{"access_token":7}"#, &["access_token"]);
    check("bearer", "{s3cret", &["JSON"]);
    let keyed = registry.run(["connection", "add", "github", "x", "--auth", "api-key", "--credentials", "\"s3cret\""]);
    assert_output(&keyed, 2, &["bearer"]);
    assert_eq!(registry.json(["connection", "list", "--json"])["connections"], json!([]));
}

#[test]
fn missing_or_invalid_arguments_exit_with_status_2() {
    let registry = Registry::new();
    let add = |config: &[&str]| {
        let basic = r#"{"username":"u@example.com","password":"p"}"#;
        let add = ["connection", "add", "jira", "x", "--auth", "basic", "--credentials", basic, "--no-verify"];
        registry.run(add.iter().chain(config))
    };
    assert_output(&add(&[]), 2, &["`subdomain`", "--set subdomain="]);
    assert_output(&add(&["--set", "subdomian=acme"]), 2, &["`subdomian`", "did you mean `subdomain`?"]);
    assert_output(&add(&["--set", "subdomain=acme", "--set", "subdomain=b"]), 2, &["`subdomain` is set twice"]);
    assert_output(&add(&["--set", "subdomain"]), 2, &["KEY=VALUE"]);
    add(&["--set", "subdomain=acme"]).expect(0);
    let args = ["run", "hubspot", "contacts", "--connection", "x", "--checkpoint", "{}"];
    assert_output(&registry.run(args), 2, &["--checkpoint", "`contacts`", "--reset"]);
}

#[test]
fn invalid_cursor_prints_only_an_error_document() {
    let registry = Registry::new();
    registry.run(["connection", "add", "github", "acme", "--auth", "none"]).expect(0);
    let read = ["records", "github", "GithubIssue", "--connection", "acme", "--all", "--json", "--cursor", "no"];
    let output = registry.run(read);
    assert_output(&output, 2, &["cursor"]);
    assert_eq!(output.json()["error"]["type"], "failed", "one document: {}", output.stdout);
}

#[test]
fn foreign_database_is_refused_and_not_changed() {
    let registry = Registry::new();
    registry.write("notes.db", "these are my notes, not a database, and they are long enough to be looked at");
    let before = std::fs::read(registry.dir().join("notes.db")).expect("the file");
    assert_output(
        &registry.run(["--database", "sqlite:notes.db", "connection", "list"]),
        3,
        &["notes.db", "not an SQLite database"],
    );
    assert_eq!(std::fs::read(registry.dir().join("notes.db")).expect("the file"), before);

    assert_output(
        &registry.run(["--database", "sqlite:no/such/dir/x.db", "connection", "add", "github", "a"]),
        3,
        &["no/such/dir"],
    );
    assert_output(
        &registry.run(["--database", "mysql://u:s3cret@h/d", "connection", "list"]),
        3,
        &["mysql", "sqlite:nango.db"],
    );
}

#[test]
fn database_in_missing_directory_is_an_error_and_a_missing_file_is_reported() {
    let registry = Registry::new();
    for command in [&["connection", "list"][..], &["connection", "show", "github", "a"], &["database", "check"]] {
        let output = registry.run(["--database", "sqlite:no/such/dir/x.db"].iter().chain(command));
        assert_output(&output, 3, &["the directory no/such/dir does not exist", "--database"]);
    }
    let missing = registry.run(["--database", "sqlite:x.db", "connection", "list"]).expect(0);
    assert!(missing.stderr.contains("there is no database x.db yet"), "{}", missing.stderr);
    let path = registry.run(["--database", "/data/x.db", "connection", "list"]);
    assert_output(&path, 3, &["`/data/x.db` is a path", "write `sqlite:/data/x.db`"]);
}

#[test]
fn newer_database_is_refused_with_both_versions() {
    let registry = Registry::new();
    registry.run(["connection", "add", "github", "acme", "--auth", "none"]).expect(0);
    let db = rusqlite::Connection::open(registry.database()).expect("the database");
    db.pragma_update(None, "user_version", 999).expect("a newer version");
    db.execute("UPDATE meta SET value = '999' WHERE key = 'readable_from'", []).expect("the oldest supported version");
    drop(db);
    assert_output(&registry.run(["connection", "list"]), 3, &["999", "newer"]);
}

/// A registry whose HubSpot returns this body for every list of contacts.
fn contacts(body: impl Fn() -> Value + Clone + Send + Sync + 'static) -> Registry {
    let registry = Registry::new();
    registry.base_url(
        "hubspot",
        &serve(Router::new().route("/crm/v3/objects/contacts", get(move || async move { Json(body()) }))),
    );
    registry.connect("hubspot", "acme");
    registry
}

fn contact(id: &Value) -> Value {
    json!({ "id": id, "properties": {}, "updatedAt": "2026-01-01T00:00:00Z" })
}

#[track_caller]
fn assert_sync_fails_with(registry: &Registry, parts: &[&str]) -> Value {
    let report = registry.run(["run", "hubspot", "contacts", "--connection", "acme", "--json"]).expect(1).json();
    assert_eq!(report["status"], "error", "{report:#}");
    let message = report["error"]["message"].as_str().expect("a message");
    for part in parts {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
    let read = ["records", "hubspot", "HubspotContact", "--connection", "acme", "--json"];
    assert_eq!(registry.json(read)["records"], json!([]), "nothing of the page is saved");
    report
}

#[test]
fn record_of_wrong_shape_is_reported_with_model_field_and_position() {
    let good = || contact(&json!("1"));
    let mut bad = contact(&json!("2"));
    bad["properties"]["email"] = json!(7);
    let registry = contacts(move || json!({ "results": [good(), bad.clone()] }));
    assert_sync_fails_with(&registry, &["ApiContact", "record 2", "properties.email"]);
}

#[test]
fn record_without_storable_id_is_reported() {
    let check = |id: Value, parts: &[&str]| {
        let registry = contacts(move || {
            let mut record = contact(&id);
            if id.is_null() {
                record.as_object_mut().expect("an object").remove("id");
            }
            json!({ "results": [record] })
        });
        assert_sync_fails_with(&registry, parts);
    };
    check(Value::Null, &["record 1", "id"]);
    check(json!(""), &["HubspotContact", "id is empty"]);
    check(json!("x".repeat(256)), &["HubspotContact", "256 bytes", "255"]);
    check(json!("a\0b"), &["HubspotContact", "NUL"]);
}

#[test]
fn lone_surrogate_is_refused() {
    let body = r#"{"results":[{"id":"1","properties":{"email":"\ud800"},"updatedAt":"x"}]}"#;
    let registry = Registry::new();
    let respond = move || async move { ([("content-type", "application/json")], body) };
    registry.base_url("hubspot", &serve(Router::new().route("/crm/v3/objects/contacts", get(respond))));
    registry.connect("hubspot", "acme");
    assert_sync_fails_with(&registry, &["record 1", "properties.email", "hex escape"]);
}

#[test]
fn response_without_json_list_is_described() {
    let registry = Registry::new();
    let page = || async { ([("content-type", "text/html")], "<html>Please sign in</html>") };
    registry.base_url("hubspot", &serve(Router::new().route("/crm/v3/objects/contacts", get(page))));
    registry.connect("hubspot", "acme");
    assert_sync_fails_with(&registry, &["JSON", "text/html", "Please sign in"]);

    assert_sync_fails_with(&contacts(|| json!({ "items": [], "total": 0 })), &["results", "items", "total"]);
    assert_sync_fails_with(&contacts(|| json!({ "results": { "a": 1 } })), &["results", "object"]);
}

#[test]
fn connection_closed_in_body_is_reported_as_network_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            // The request consists of its head only.
            let _ = stream.read(&mut [0; 8192]);
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"results\":[",
            );
        }
    });
    let registry = Registry::new();
    registry.base_url("hubspot", &url);
    registry.connect("hubspot", "acme");
    let report = assert_sync_fails_with(&registry, &["/crm/v3/objects/contacts", "the connection was lost"]);
    assert_eq!(report["error"]["type"], "script_network_error");
}

#[test]
fn error_response_is_reported_with_status_and_body() {
    let registry = Registry::new();
    let refuse = || async { (axum::http::StatusCode::FORBIDDEN, Json(json!({ "message": "no scope" }))) };
    registry.base_url("hubspot", &serve(Router::new().route("/crm/v3/objects/contacts", get(refuse))));
    registry.connect("hubspot", "acme");
    let report = assert_sync_fails_with(&registry, &["403"]);
    assert_eq!(report["error"]["type"], "script_http_error");
    assert_eq!(report["error"]["payload"], json!({ "message": "no scope" }));
}

#[test]
fn input_that_does_not_match_schema_is_reported_with_field() {
    let registry = Registry::new();
    registry.run(["connection", "add", "github", "acme", "--auth", "none"]).expect(0);
    let run = |input: &str| {
        registry.run(["run", "github", "create-issue", "--connection", "acme", "--input", input, "--json"])
    };
    let report = run(r#"{"titel":"x"}"#).expect(2).json();
    assert_eq!(report["error"]["type"], "usage");
    assert!(report["error"]["message"].as_str().is_some_and(|message| message.contains("title")), "{report:#}");
    assert_eq!(run("{not json").status, Some(2));
    assert_eq!(run("@missing.json").status, Some(2));
}

#[test]
fn missing_setup_is_reported_with_next_step() {
    let registry = Registry::new();
    let run = registry.run(["run", "github", "issues-demo", "--connection", "acme"]);
    assert!(run.stderr.contains("registry connection add github"), "{}", run.stderr);
    let list = registry.run(["connection", "list"]).expect(0);
    assert!(format!("{}{}", list.stdout, list.stderr).contains("connection add"), "{}{}", list.stdout, list.stderr);
    registry.run(["connection", "add", "github", "acme", "--auth", "none"]).expect(0);
    let records = registry.run(["records", "github", "GithubIssue", "--connection", "acme"]).expect(0);
    assert!(
        format!("{}{}", records.stdout, records.stderr).contains("registry run github"),
        "{}{}",
        records.stdout,
        records.stderr
    );
}
