//! `connection …` commands: adding, showing and removing connections, and the functions that run on them.

use std::{
    io::{Read as _, Write as _},
    process::{Command, Stdio},
};

use axum::{Json, Router, http::StatusCode, routing::get};
use nango_tests::{Registry, faketime::ShiftedClock, registry::registry_binary, serve, tools::skip};
use serde_json::json;

#[test]
fn secret_is_sealed_and_shown_only_with_show_secrets() {
    let registry = Registry::new();
    let secret = "ghp_a-very-secret-token";
    let credentials = json!({ "access_token": secret }).to_string();
    let add = ["connection", "add", "github", "acme", "--auth", "bearer", "--credentials", &credentials];
    let added = registry.run(add).expect(0);
    assert!(!format!("{}{}", added.stdout, added.stderr).contains(secret));

    let shown = registry.run(["connection", "show", "github", "acme", "--json"]).expect(0);
    assert!(!shown.stdout.contains(secret), "{}", shown.stdout);
    let shown = registry.run(["connection", "show", "github", "acme", "--json", "--show-secrets"]).expect(0);
    assert!(shown.stdout.contains(secret), "{}", shown.stdout);

    for name in ["nango.db", "nango.db-wal"] {
        let bytes = std::fs::read(registry.dir().join(name)).unwrap_or_default();
        assert!(
            !bytes.windows(secret.len()).any(|window| window == secret.as_bytes()),
            "{name} contains the token in plain text"
        );
    }
}

#[test]
fn read_only_commands_create_no_database() {
    let registry = Registry::new();
    registry.run(["connection", "list"]).expect(0);
    for args in [&["connection", "show", "github", "a"][..], &["records", "github", "GithubIssue", "--connection", "a"]]
    {
        let output = registry.run(args).expect(2);
        assert!(output.stderr.contains("there is no database"), "{}", output.stderr);
    }
    assert_eq!(std::fs::read_dir(registry.dir()).expect("the directory").count(), 0);
}

#[test]
fn changed_connection_keeps_its_other_settings() {
    let registry = Registry::new();
    registry.run(["connection", "add", "github", "acme", "--auth", "bearer", "--credentials", "\"kept\""]).expect(0);
    let refused = registry.run(["connection", "add", "github", "acme", "--metadata", "{}"]).expect(2);
    assert!(refused.stderr.contains("set-metadata"), "{}", refused.stderr);
    registry.write("token.json", r#"{ "token": "abc" }"#);
    let refused = registry.run(["connection", "add", "github", "b", "--auth", "bearer", "--credentials", "token.json"]);
    assert!(refused.expect(2).stderr.contains("@token.json"));
    let shown = registry.run(["connection", "show", "github", "acme", "--json", "--show-secrets"]).expect(0);
    assert!(shown.stdout.contains("kept"), "{}", shown.stdout);
}

#[test]
fn credentials_are_read_from_file_or_standard_input() {
    let registry = Registry::new();
    registry.write("token.json", r#"{ "token": "abc" }"#);
    registry.run(["connection", "add", "github", "a", "--auth", "bearer", "--credentials", "@token.json"]).expect(0);
    let add = ["connection", "add", "github", "b", "--auth", "basic", "--credentials", "-", "--no-verify"];
    registry.run_with_input(add, r#"{ "username": "u", "password": "p" }"#).expect(0);

    let list = registry.json(["connection", "list", "--json"]);
    let ids: Vec<_> =
        list["connections"].as_array().expect("a list").iter().map(|row| row["connection_id"].clone()).collect();
    assert_eq!(ids, ["a", "b"]);
}

#[test]
fn connection_config_and_configuration_file_have_separate_flags() {
    let registry = Registry::new();
    registry.write("other.toml", "database = \"sqlite:other.db\"\n");
    let credentials = r#"{"username":"u@example.com","password":"p"}"#;
    let add = [
        "--config",
        "other.toml",
        "connection",
        "add",
        "jira",
        "acme",
        "--auth",
        "basic",
        "--credentials",
        credentials,
        "--no-verify",
        "--config",
        "subdomain=acme",
    ];
    let old = registry.run(add).expect(0);
    assert!(
        old.stderr.contains("warning: `--config KEY=VALUE` of `connection add` is deprecated; use `--set KEY=VALUE`"),
        "{}",
        old.stderr
    );
    assert!(registry.dir().join("other.db").exists() && !registry.database().exists());
    let shown = registry.json(["--config", "other.toml", "connection", "show", "jira", "acme", "--json"]);
    assert_eq!(shown["connection_config"], json!({ "subdomain": "acme" }));
}

#[test]
fn connection_config_is_read_from_file_or_standard_input() {
    let registry = Registry::new();
    registry.write("subdomain.txt", "acme\r\n");
    let credentials = r#"{"username":"u@example.com","password":"p"}"#;
    let add = ["connection", "add", "jira", "a", "--auth", "basic", "--credentials", credentials, "--no-verify"];
    registry.run(add.iter().chain(&["--set-file", "subdomain=subdomain.txt"])).expect(0);
    let config = || registry.json(["connection", "show", "jira", "a", "--json"])["connection_config"].clone();
    assert_eq!(config(), json!({ "subdomain": "acme" }));
    registry.run_with_input(add.iter().chain(&["--set-file", "subdomain=-"]), "other\n").expect(0);
    assert_eq!(config(), json!({ "subdomain": "other" }));
    let missing = registry.run(add.iter().chain(&["--set-file", "subdomain=none.txt"])).expect(2);
    assert!(
        missing.stderr.contains("--set-file subdomain") && missing.stderr.contains("none.txt"),
        "{}",
        missing.stderr
    );
    let both =
        registry.run(add.iter().chain(&["--set", "subdomain=x", "--set-file", "subdomain=subdomain.txt"])).expect(2);
    assert!(both.stderr.contains("`subdomain` is set twice"), "{}", both.stderr);
}

/// Runs the command in a terminal, which `script` of util-linux provides.
#[test]
fn credentials_are_prompted_on_terminal_without_echo() {
    let registry = Registry::new();
    let command_line = format!("{} connection add github typed --auth bearer", registry_binary().display());
    let mut script = Command::new("script");
    script
        .args(["-qec", &command_line, "/dev/null"])
        .current_dir(registry.dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = match script.spawn() {
        Ok(child) => child,
        Err(error) => return skip("a test of the terminal", error).unwrap_or_default(),
    };
    let (mut input, mut output) =
        (child.stdin.take().expect("piped stdin"), child.stdout.take().expect("piped stdout"));
    let mut shown = String::new();
    let mut piece = [0; 256];
    while !shown.contains("access_token (hidden): ") {
        let read = output.read(&mut piece).expect("output");
        assert!(read > 0, "the command ended without a prompt: {shown}");
        shown.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
    // The command disables the echo right after the prompt; a user does not type faster than this.
    std::thread::sleep(std::time::Duration::from_secs(1));
    input.write_all(b"s3cret-typed-token\n").expect("a terminal");
    output.read_to_string(&mut shown).expect("output");
    child.wait().expect("an exit status");
    assert!(shown.contains("added connection typed") && !shown.contains("s3cret"), "{shown}");
    let stored = registry.json(["connection", "show", "github", "typed", "--show-secrets", "--json"]);
    assert_eq!(stored["credentials"]["access_token"], "s3cret-typed-token");
}

#[test]
fn metadata_is_replaced_or_merged() {
    let registry = Registry::new();
    registry.connect("hubspot", "a");
    registry.run(["connection", "set-metadata", "hubspot", "a", r#"{"x":1,"y":2}"#]).expect(0);
    let metadata =
        |registry: &Registry| registry.json(["connection", "show", "hubspot", "a", "--json"])["metadata"].clone();
    assert_eq!(metadata(&registry), json!({ "x": 1, "y": 2 }));
    registry.run(["connection", "set-metadata", "hubspot", "a", r#"{"y":3}"#]).expect(0);
    assert_eq!(metadata(&registry), json!({ "y": 3 }));
}

#[test]
fn function_can_refuse_connection() {
    let missing = || async { (StatusCode::NOT_FOUND, Json(json!({ "message": "Not Found" }))) };
    let url = serve(
        Router::new()
            .route("/repos/octo/missing", get(missing))
            .route("/repos/octo/demo", get(|| async { Json(json!({})) })),
    );
    let registry = Registry::new();
    registry.base_url("github", &url);
    let add = |repo: &str| {
        let metadata = json!({ "owner": "octo", "repo": repo }).to_string();
        registry.run(["connection", "add", "github", "acme", "--auth", "none", "--metadata", &metadata])
    };

    let refused = add("missing").expect(1);
    assert!(refused.stderr.contains("the repository octo/missing does not exist"), "{}", refused.stderr);
    assert_eq!(registry.json(["connection", "list", "--json"])["connections"], json!([]));

    add("demo").expect(0);
    registry.run(["connection", "remove", "github", "acme"]).expect(0);
    assert_eq!(registry.json(["connection", "list", "--json"])["connections"], json!([]));
}

#[test]
fn key_file_is_created_once_and_required_afterwards() {
    let registry = Registry::new();
    let add =
        |id: &str| ["connection", "add", "github", id, "--auth", "bearer", "--credentials", "\"t\""].map(str::to_owned);
    let first = registry.run(add("a")).expect(0);
    let key = registry.dir().join("nango.db.key");
    assert!(first.stderr.contains("nango.db.key"), "the first run prints what to back up: {}", first.stderr);
    assert!(!registry.run(add("b")).expect(0).stderr.contains("nango.db.key"));

    std::fs::remove_file(&key).expect("the key file");
    let lost = registry.run(["connection", "show", "github", "a"]).expect(3);
    assert!(lost.stderr.contains("nango.db.key is missing"), "{}", lost.stderr);
    assert!(!key.exists(), "a new key could not decrypt the stored credentials");
}

#[test]
fn command_that_seals_nothing_creates_no_key_file() {
    let registry = Registry::new();
    let key = registry.dir().join("nango.db.key");
    registry.run(["run", "github", "issues-demo", "--connection", "acme"]).expect(2);
    let refused = registry.run(["connection", "add", "jira", "a", "--auth", "none"]);
    assert_ne!(refused.status, Some(0), "{}", refused.stderr);
    assert!(registry.database().exists() && !key.exists(), "{}", refused.stderr);

    registry.run(["encryption", "status"]).expect(0);
    assert!(!key.exists());
    let on = registry.run(["encryption", "on"]).expect(0);
    assert!(key.exists() && on.stderr.contains("created nango.db.key"), "{}", on.stderr);
    registry.run(["connection", "add", "github", "a", "--auth", "bearer", "--credentials", "\"t\""]).expect(0);
    registry.run(["connection", "show", "github", "a", "--show-secrets"]).expect(0);
}

#[test]
fn connection_of_deprecated_provider_is_marked_and_added_with_warning() {
    let mut registry = Registry::new();
    registry.write("mine.yaml", "github: { alias: github, lifecycle: { until: 2027-04-30, note: 'use `other`' } }\n");
    registry.config("providers = \"mine.yaml\"\n");
    let add = ["connection", "add", "github", "a", "--auth", "bearer", "--credentials", "t"];
    let list = ["connection", "list", "--json"];
    for (day, warning, state, ended, left) in [
        ("2027-04-28", "the provider `github` stops working after 2027-04-30: use `other`", "ends", false, json!(2)),
        ("2027-05-01", "the provider `github` ended on 2027-04-30, requests are", "ended", true, json!(null)),
    ] {
        let Some(shifted) = ShiftedClock::at_noon_of(day) else { return };
        for (name, value) in shifted.environment() {
            registry.env(name, value);
        }
        let added = registry.run(add).expect(0);
        assert!(added.stderr.contains(&format!("warning: {warning}")), "{day}: {}", added.stderr);
        let listed = registry.json(list);
        let lifecycle = json!({ "until": "2027-04-30", "note": "use `other`", "ended": ended, "days_left": left });
        assert_eq!(listed["connections"][0]["lifecycle"], lifecycle);
        let listed = registry.run(["connection", "list"]).expect(0).stdout;
        assert!(listed.contains(&format!(" {state} 2027-04-30 ")), "{listed}");
        let shown = registry.run(["providers", "show", "github"]).expect(0).stdout;
        let expect = if ended { "2027-04-30, it has ended: use `other`" } else { "2027-04-30, in 2 days: use `other`" };
        assert!(shown.contains(expect), "{shown}");
    }
    let plain = registry.json(["providers", "show", "gitlab", "--json"]);
    assert_eq!(plain["lifecycle"], json!(null));
}

#[test]
fn credentials_refused_with_status_200_are_not_stored() {
    let refuse = || async { Json(json!({ "ok": false, "error": "invalid_auth" })) };
    let page = || async { "<html>" };
    let url = serve(Router::new().route("/auth.test", get(refuse)).route("/page/auth.test", get(page)));
    let registry = Registry::new();
    registry.write(
        "mine.yaml",
        format!(
            "github-pat: {{ alias: github, proxy: {{ base_url: {url}/page, headers: {{ x-key: '${{apiKey}}' }}, \
             verification: {{ endpoints: [/auth.test], error: {{ when: ok, is: false }} }} }} }}\n\
             github:\n  auth_mode: API_KEY\n  proxy:\n    base_url: {url}\n    \
             headers: {{ x-key: '${{apiKey}}' }}\n    \
             verification: {{ endpoints: [/auth.test], error: {{ when: ok, is: false, message: error }} }}\n"
        ),
    );
    registry.config("providers = \"mine.yaml\"\n");
    let add = ["connection", "add", "github", "a", "--credentials", r#"{"apiKey": "k-1234567890"}"#];
    let refused = registry.run(add);
    assert_ne!(refused.status, Some(0));
    assert!(refused.stderr.contains("are refused: the provider responded with `invalid_auth`"), "{}", refused.stderr);
    let listed = registry.json(["connection", "list", "--json"]);
    assert_eq!(listed["connections"], json!([]));

    // A response that does not match the entry's description is not a success.
    registry.config("providers = \"mine.yaml\"\n[integrations.github]\nprovider = \"github-pat\"\n");
    let unreadable = registry.run(add).stderr;
    assert!(unreadable.contains("could not be verified"), "{unreadable}");
}
