//! `registry demo`, the first command that a new user runs.

use std::{fs, path::Path, process::Command};

use nango_tests::{Registry, Running, api_server, nango_client::NangoClient, tools};
use serde_json::{Value, json};

/// Starts `registry demo --serve` and waits for its address.
fn serve(registry: &Registry, arguments: &[&str]) -> Running {
    let mut running = registry.start([&["demo", "--serve", "--listen", "127.0.0.1:0"], arguments].concat());
    running.wait_until("the server", |running| running.stderr().contains("press Ctrl-C to stop"));
    running
}

/// Returns the printed lines between two others, without their indentation.
fn between<'t>(text: &'t str, start: &str, end: &str) -> Vec<&'t str> {
    let lines = text.lines().skip_while(|line| !line.contains(start)).skip(1);
    lines.take_while(|line| !line.contains(end)).map(str::trim_start).collect()
}

/// Runs a command of a shell with the key in its environment, and returns its stdout.
fn shell(script: &str, folder: &Path) -> String {
    let mut command = Command::new("sh");
    command.args(["-ec", script]).current_dir(folder).env("NANGO_API_KEY", api_server::API_KEY);
    for proxy in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    let output = command.output().expect("a shell");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

#[test]
fn served_demo_answers_the_printed_requests_and_stops_on_ctrl_c() {
    let mut registry = Registry::new();
    registry.env("NANGO_API_KEY", api_server::API_KEY);
    let mut running = serve(&registry, &[]);
    running.wait_until("the requests", |running| running.stdout().contains("console.log"));
    let printed = running.stdout();
    assert!(!printed.contains(api_server::API_KEY) && !running.stderr().contains(api_server::API_KEY));

    let lines = between(&printed, "List the connections", "With Nango's client");
    if tools::find("curl").is_some() {
        let commands: Vec<String> = lines.join("\n").replace("\\\n", " ").lines().map(str::to_owned).collect();
        let commands: Vec<&String> = commands.iter().filter(|line| line.starts_with("curl ")).collect();
        let [connections, records, action] = commands[..] else { panic!("{commands:?}") };
        let answer = |command: &str| -> Value {
            let text = shell(&command.replacen("curl ", "curl --silent --show-error ", 1), registry.dir());
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{command}: {error}: {text}"))
        };
        assert_eq!(answer(connections)["connections"][0]["connection_id"], "stand-in");
        assert!(answer(records)["records"].as_array().is_some_and(|records| records.len() > 5));
        assert_eq!(answer(action)["status"], 201);
    } else {
        let _ = tools::skip::<()>("the printed requests", "it needs `curl`, and it is not on the PATH");
    }

    let program = between(&printed, "in a file demo.mjs", "console.log").join("\n");
    if let Some(folder) = NangoClient::folder() {
        let file = folder.join(format!("demo-{}.mjs", running.id()));
        let last = printed.lines().find(|line| line.contains("console.log")).expect("a last line");
        fs::write(&file, format!("{program}\n{last}\n")).expect("a file");
        let listed = shell(&format!("node '{}'", file.display()), registry.dir());
        fs::remove_file(&file).expect("the file");
        let created = listed.lines().filter(|line| line.ends_with("Created by the demo")).count();
        assert!(created == 1 && listed.lines().count() > 5, "{listed}");
    }

    running.interrupt();
    let output = running.finish().expect(0);
    assert!(output.stderr.contains("stopping"), "{}", output.stderr);
    let files: Vec<_> = fs::read_dir(registry.dir()).expect("the directory").collect();
    assert!(files.is_empty(), "the database was in memory: {files:?}");
}

#[test]
fn served_demo_without_terminal_prints_no_key_and_names_the_next_step() {
    let registry = Registry::new();
    let refused = registry.run(["demo", "--serve", "--listen", "127.0.0.1:0"]).expect(2);
    assert!(refused.stderr.contains("NANGO_API_KEY") && refused.stderr.contains("--database"), "{}", refused.stderr);
    assert!(refused.stdout.is_empty(), "it fails before the demo runs: {}", refused.stdout);
    let unserved = registry.run(["demo", "--listen", "127.0.0.1:0"]).expect(2);
    assert!(unserved.stderr.contains("--serve"), "{}", unserved.stderr);

    let running = serve(&registry, &["--database", "sqlite:kept.db", "--json"]);
    let create = ["api-keys", "create", "--name", "demo", "--scope", "environment:*", "--database", "sqlite:kept.db"];
    let key = registry.run(create).expect(0).stdout.trim().to_owned();
    let document: Value = serde_json::from_str(&running.stdout()).expect("one document");
    let url = document["url"].as_str().expect("a URL").to_owned();
    let client = nango_tests::http_client::builder().build().expect("a client");
    let request = client.get(format!("{url}/connections")).bearer_auth(&key);
    let answer: Value = nango_tests::http_client::json_blocking(request);
    assert_eq!(answer["connections"][0]["provider_config_key"], json!("github"));
    running.interrupt();
    let output = running.finish().expect(0);
    assert!(!output.stderr.contains("nango_") && !output.stdout.contains("nango_"), "no key is printed");
}

#[test]
fn demo_runs_sync_and_removes_its_files() {
    let registry = Registry::new();
    let output = registry.run(["demo"]).expect(0);
    for part in ["GithubIssue", "added", "deleted", "create-issue", "cargo run -- list"] {
        assert!(output.stdout.contains(part), "no {part:?} in\n{}", output.stdout);
    }
    let remaining_files: Vec<_> = std::fs::read_dir(registry.dir()).expect("the directory").collect();
    assert!(remaining_files.is_empty(), "{remaining_files:?}");
}

#[test]
fn demo_keeps_database_named_by_the_user() {
    let registry = Registry::new();
    registry.run(["--database", "sqlite:kept.db", "demo"]).expect(0);
    let page = registry.json([
        "--database",
        "sqlite:kept.db",
        "records",
        "github",
        "GithubIssue",
        "--connection",
        "stand-in",
        "--filter",
        "deleted",
        "--json",
    ]);
    assert_eq!(page["records"].as_array().map(Vec::len), Some(1), "{page:#}");
    assert_eq!(page["records"][0]["_nango_metadata"]["last_action"], "DELETED");
    assert!(page["records"][0]["title"].is_string(), "a deleted record keeps its last content: {page:#}");

    registry.run(["--database", "sqlite:kept.db", "demo"]).expect(0);
}
