//! Command line: names of commands, flags and their values, and exit codes.

use std::fs;

use integrations::standin::Standin;
use nango_tests::{Registry, wait};

use super::check;
use crate::{interruption, synced_registry::SyncedRegistry};

/// Maximum indentation of an entry in a help text, in columns.
const INDENT: usize = 6;

/// Returns the entries below a heading of a short help text, each with its text in one line.
fn entries(help: &str, heading: &str) -> Vec<String> {
    let part = help.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.is_empty());
    let mut entries: Vec<String> = Vec::new();
    for line in part {
        let text = line.trim_start();
        match entries.last_mut() {
            // Continuation lines are indented further than any entry.
            Some(entry) if line.len() - text.len() > INDENT => {
                entry.push(' ');
                entry.push_str(text);
            }
            _ => entries.push(text.to_owned()),
        }
    }
    entries
}

/// Returns the long name of an option with its possible values: `--filter added updated deleted`.
fn flag(entry: &str) -> Option<String> {
    let name = entry.split([' ', ',']).find(|word| word.starts_with("--"))?;
    let of = |what: &str| entry.split_once(what)?.1.split_once(']').map(|(values, _)| values.replace(',', ""));
    let mut line = name.to_owned();
    for (before, values) in [(" ", of("[possible values: ")), (" default ", of("[default: "))] {
        if let Some(values) = values {
            line.push_str(before);
            line.push_str(&values);
        }
    }
    Some(line)
}

/// Collects the lines of a command and of its subcommands.
fn lines(registry: &Registry, path: &[String], found: &mut Vec<String>) {
    let help = registry.run(path.iter().map(String::as_str).chain(["-h"])).expect(0).stdout;
    let name = path.join(" ");
    let line = |of: &str| format!("{name} {of}").trim().to_owned();
    let mut flags: Vec<String> = entries(&help, "Options:").iter().filter_map(|entry| flag(entry)).collect();
    flags.sort();
    found.extend(flags.iter().map(|flag| line(flag)));
    for entry in entries(&help, "Commands:") {
        let command = entry.split(' ').next().unwrap_or_default();
        if command != "help" {
            found.push(line(command));
            lines(registry, &[path, &[command.to_owned()]].concat(), found);
        }
    }
}

#[test]
fn commands_and_flags_are_frozen() {
    let mut found = Vec::new();
    lines(&Registry::new(), &[], &mut found);
    check("commands.txt", &found);
}

#[test]
fn exit_codes_are_frozen() {
    let mut found = Vec::new();
    let mut add = |outcome: &str, status: Option<i32>| found.push(format!("{outcome}: {}", status.unwrap_or(-1)));

    let synced = SyncedRegistry::sync_first(wait(Standin::start()).expect("a stand-in"), Registry::new());
    let registry = &synced.registry;
    let run = ["run", "github", "repo-issues", "--connection", "acme"];
    add("success", registry.run(run).status);
    add("help", registry.run(["--help"]).status);
    let elsewhere = ["--metadata", r#"{"owner":"no-such-owner","repo":"r"}"#];
    add("run failed", registry.run(run.iter().chain(&elsewhere)).status);
    let damaged = rusqlite::Connection::open(registry.database()).expect("the database");
    damaged.execute_batch("UPDATE datasets SET live = live + 5").expect("a statement");
    drop(damaged);
    add("check found a problem", registry.run(["database", "check"]).status);
    add("no command", registry.run([""; 0]).status);
    add("unknown flag", registry.run(["list", "--no-such-flag"]).status);
    add("unknown name", registry.run(["describe", "github", "no-such-function"]).status);
    add("database cannot be used", registry.run(["--database", "no-such-database:x", "connection", "list"]).status);
    let running = interruption::start_and_wait_for_page(&interruption::connected());
    running.interrupt();
    add("interrupted", running.finish().status);
    fs::write(registry.dir().join("nango.toml"), "no_such_key = 1\n").expect("a file");
    add("configuration cannot be used", registry.run(["list"]).status);
    check("exit_codes.txt", &found);
}
