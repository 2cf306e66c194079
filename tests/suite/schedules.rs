//! Schedules with the binary: `registry serve` runs due syncs, `registry schedules` changes them, `registry run` beside
//! a server is executed there.

use nango_tests::{Output, Registry, Running, api_server};
use serde_json::{Value, json};

use crate::interruption;

const LIST: [&str; 4] = ["schedules", "list", "hubspot", "--json"];
const CONTACTS: [&str; 4] = ["hubspot", "contacts", "--connection", "acme"];

/// Starts a server on a free port, and waits until it runs schedules.
fn serve(registry: &Registry) -> Running {
    api_server::serve(registry, &[]).0
}

fn schedules(registry: &Registry, command: &str, options: &[&str]) -> Output {
    let args: Vec<&str> =
        ["schedules", command].into_iter().chain(CONTACTS).chain(options.iter().copied()).chain(["--json"]).collect();
    registry.run(args)
}

/// Returns the schedule of the contacts, if it was added already.
fn contacts(registry: &Registry) -> Value {
    let list = registry.json(LIST);
    let found = list.as_array().expect("a list").iter().find(|row| row["sync"] == "contacts");
    found.cloned().unwrap_or(Value::Null)
}

/// Waits until the schedule of the contacts has a state, and returns it.
fn wait_for(server: &mut Running, registry: &Registry, what: &str, is_reached: impl Fn(&Value) -> bool) -> Value {
    server.wait_until(what, |_| is_reached(&contacts(registry)));
    contacts(registry)
}

#[test]
fn server_syncs_new_connection_and_commands_change_its_schedule() {
    let registry = interruption::connected();
    assert_eq!(registry.json(LIST), json!([]));
    let mut server = serve(&registry);
    let row = wait_for(&mut server, &registry, "a first run", |row| row["last_run"]["status"] == "success");
    assert_eq!(
        (&row["state"], &row["connection"], &row["variant"]),
        (&json!("started"), &json!("acme"), &json!("base"))
    );
    assert!(row["next_run_at"].is_string() && row["running_run_id"].is_null(), "{row:#}");

    let paused = schedules(&registry, "pause", &[]).expect(0).json();
    assert_eq!((&paused["state"], &paused["next_run_at"]), (&json!("paused"), &Value::Null));
    let triggered = schedules(&registry, "trigger", &["--full"]).expect(0).json();
    let id = triggered["run_id"].clone();
    wait_for(&mut server, &registry, "the triggered run, although the schedule is paused", |row| {
        row["last_run"]["run_id"] == id && row["last_run"]["status"] == "success"
    });
    assert_eq!(schedules(&registry, "start", &[]).expect(0).json()["state"], "started");

    server.interrupt();
    let stopped = server.finish();
    assert_eq!(stopped.status, Some(0), "{}", stopped.stderr);
}

#[test]
fn run_beside_server_is_executed_there_and_ctrl_c_cancels_it() {
    let registry = interruption::connected();
    let mut server = serve(&registry);
    wait_for(&mut server, &registry, "a first run", |row| row["last_run"]["status"] == "success");
    let report = registry.json(interruption::RUN);
    assert_eq!((&report["status"], &report["pages"]), (&json!("success"), &json!(40)), "{report:#}");
    assert_eq!(contacts(&registry)["last_run"]["run_id"], report["run_id"]);

    let running = registry.start(interruption::RUN);
    wait_for(&mut server, &registry, "a running run", |row| row["running_run_id"].is_string());
    running.interrupt();
    let stopped = running.finish();
    assert_eq!(stopped.status, Some(1), "{}", stopped.stderr);
    assert_eq!(stopped.json()["status"], "cancelled");
    drop(server);
}

#[test]
fn killed_server_continues_its_run_after_a_restart() {
    let registry = interruption::connected();
    configure(&registry, "lease_seconds = 1");
    let mut server = serve(&registry);
    let row = wait_for(&mut server, &registry, "a running run", |row| row["running_run_id"].is_string());
    let first = row["running_run_id"].clone();
    server.kill();
    let mut server = serve(&registry);
    let row = wait_for(&mut server, &registry, "the next attempt", |row| row["last_run"]["status"] == "success");
    assert_ne!(row["last_run"]["run_id"], first);
    assert_eq!(interruption::stored(&registry).len(), 400);
    drop(server);
}

/// Adds a setting to the configuration of the registry.
fn configure(registry: &Registry, setting: &str) {
    let config = std::fs::read_to_string(registry.dir().join("nango.toml")).expect("the base URL");
    registry.config(&format!("{setting}\n{config}"));
}

#[cfg(debug_assertions)]
#[test]
fn server_killed_at_each_step_of_the_queue_loses_and_doubles_nothing() {
    use nango_core::internal::store::failpoint::NAMES;
    use std::ffi::OsStr;

    for name in NAMES.iter().filter(|name| name.starts_with("queue:")) {
        let registry = interruption::connected();
        configure(&registry, "lease_seconds = 1");
        let variables = [("NANGO_FAILPOINT", OsStr::new(name))];
        let mut server = registry.start_with_env(["serve", "--listen", "127.0.0.1:0"], &variables);
        if *name == "queue:next-attempt" {
            // Hit by the end of an interrupted run.
            server.wait_until("a running run", |_| contacts(&registry)["running_run_id"].is_string());
            server.interrupt();
        }
        let killed = server.finish();
        assert_eq!(killed.status, None, "{name} was not hit: {}", killed.stderr);
        let mut server = serve(&registry);
        let row = wait_for(&mut server, &registry, name, |row| row["last_run"]["status"] == "success");
        assert!(row["due_run_id"].is_null() && row["running_run_id"].is_null(), "{name}: {row:#}");
        let records = interruption::stored(&registry);
        let added = records.iter().filter(|record| record["_nango_metadata"]["last_action"] == "ADDED").count();
        assert_eq!((records.len(), added), (400, 400), "{name}");
        drop(server);
        registry.run(["database", "check"]).expect(0);
    }
}

#[test]
fn unknown_names_are_reported_with_the_available_ones() {
    let registry = interruption::connected();
    let refused = registry.run(["schedules", "pause", "hubspot", "contact", "--connection", "acme"]);
    assert_eq!(refused.status, Some(2));
    assert!(refused.stderr.contains("did you mean `contacts`?"), "{}", refused.stderr);
    let refused = registry.run(["schedules", "pause", "hubspot", "contacts", "--connection", "acm"]);
    assert!(refused.stderr.contains("did you mean `acme`?"), "{}", refused.stderr);
    let refused = schedules(&registry, "trigger", &["--variant", "eu"]);
    assert_eq!(refused.status, Some(2), "{}", refused.stderr);
    // Without a server, the run waits for one.
    let triggered = schedules(&registry, "trigger", &[]).expect(0);
    assert!(triggered.stderr.contains("no process serves this database"), "{}", triggered.stderr);
}
