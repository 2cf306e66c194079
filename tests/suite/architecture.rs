//! The rules of the structure of `nango-core` that a program can check: see "Structure" in ARCHITECTURE.md.

mod modules;

use crate::sources;
use modules::Modules;

/// Layers from the bottom; a module imports modules of its own layer or of those above it in this list.
const LAYERS: [&[&str]; 11] = [
    &["declare", "error", "file_access", "json", "model", "redact", "time"],
    &["provider"],
    &["store"],
    &["http"],
    &["auth"],
    &["paginate"],
    &["config", "nango"],
    &["run"],
    &["testing"],
    &["export", "wire"],
    &["cli"],
];

/// Modules without a layer: the public face, what the macros name, and tests of several layers.
const OUTSIDE: [&str; 4] = ["", "__private", "golden", "prelude"];

fn layer(module: &str) -> Option<usize> {
    let top = module.split("::").next().unwrap_or_default();
    if OUTSIDE.contains(&top) {
        return None;
    }
    let found = LAYERS.iter().position(|layer| layer.contains(&top));
    assert!(found.is_some(), "`{top}` has no layer: add it to LAYERS in tests/suite/architecture.rs");
    found
}

/// Lines of the library that are not tests, with path and number.
fn lines_of_core() -> Vec<(String, usize, String)> {
    let mut lines = Vec::new();
    for source in sources::all(&[".rs"]) {
        let Some(path) = source.path.strip_prefix("nango-core/src/") else { continue };
        if modules::is_test(path) {
            continue;
        }
        let text = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        lines.extend(text.lines().enumerate().map(|(at, line)| (path.to_owned(), at + 1, line.to_owned())));
    }
    lines
}

#[track_caller]
fn refuse(rule: &str, is_exempt: impl Fn(&str) -> bool, is_wrong: impl Fn(&str) -> bool) {
    let wrong: Vec<_> = lines_of_core()
        .into_iter()
        .filter(|(path, _, line)| !is_exempt(path) && !line.trim_start().starts_with("//") && is_wrong(line))
        .map(|(path, number, line)| format!("nango-core/src/{path}:{number}: {}", line.trim()))
        .collect();
    assert!(wrong.is_empty(), "{rule}:\n{}", wrong.join("\n"));
}

#[test]
fn dependencies_point_down() {
    let mut wrong = Vec::new();
    for (from, to) in Modules::of_core().imports() {
        if let (Some(importer), Some(imported)) = (layer(&from), layer(&to))
            && importer < imported
        {
            wrong.push(format!("{from} imports {to}"));
        }
    }
    assert!(wrong.is_empty(), "a module imports one of a layer above it:\n{}", wrong.join("\n"));
}

#[test]
fn only_database_folders_contain_sql() {
    let statements = ["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "ALTER TABLE ", "PRAGMA "];
    refuse(
        "SQL belongs into store/sqlite or store/postgres",
        |path| path.starts_with("store/sqlite") || path.starts_with("store/postgres"),
        |line| statements.iter().any(|statement| line.contains(statement)),
    );
}

#[test]
fn only_the_command_line_prints() {
    let macros = ["println!(", "eprintln!(", "print!(", "eprint!(", "dbg!("];
    refuse(
        "only `cli` prints; return the text, or log it",
        |path| path.starts_with("cli"),
        |line| macros.iter().any(|name| line.contains(name)),
    );
}

#[test]
fn only_wire_knows_names_on_the_wire() {
    let names = ["\"provider_config_key\"", "\"connection_id\"", "\"sync_name\"", "\"_nango_metadata\""];
    refuse(
        "Nango's names belong into `wire`",
        |path| path.starts_with("wire"),
        |line| names.iter().any(|name| line.contains(name)),
    );
}
