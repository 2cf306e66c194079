//! Names that users and their scripts rely on, frozen in `tests/golden`; a rename in the source must not change them.
//!
//! | file | content |
//! | --- | --- |
//! | `json_keys_of_*` | the keys of all `--json` output |
//! | `commands`, `exit_codes` | commands, flags, their values, exit codes |
//! | `sqlite`, `postgres` | tables, columns, keys of settings |
//! | `environment` | environment variables |

mod commands;
mod databases;
mod json_keys;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use nango_tests::golden;

/// Compares lines with a file of `tests/golden`.
#[track_caller]
fn check<T: AsRef<str>>(file: &str, lines: &[T]) {
    golden::check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(file), lines);
}

/// Collects the source files in a folder, without tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let is_test = |name: &str| matches!(name, "tests" | "tests.rs" | "conformance" | "conformance.rs" | "frozen.rs");
    for entry in fs::read_dir(folder).expect("a folder of sources").flatten() {
        let path = entry.path();
        if is_test(&entry.file_name().to_string_lossy()) {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Returns the product's environment variables that a source names outside its comments and tests.
fn variables(source: &str) -> BTreeSet<String> {
    const PREFIX: &str = "NANGO_";
    let code = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = lines.flat_map(|line| {
        line.match_indices(PREFIX).map(|(start, _)| {
            let is_part = |c: char| c == '_' || c.is_ascii_uppercase() || c.is_ascii_digit();
            line[start..].chars().take_while(|c| is_part(*c)).collect::<String>()
        })
    });
    // The prefix alone occurs in messages about a group of variables.
    names.filter(|name| name != PREFIX).collect()
}

#[test]
fn environment_variables_are_frozen() {
    let mut files = Vec::new();
    for folder in ["../nango-core/src", "../integrations/src"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
    }
    let read = |file: &PathBuf| variables(&fs::read_to_string(file).expect("a source"));
    let found: Vec<String> = files.iter().flat_map(read).collect::<BTreeSet<_>>().into_iter().collect();
    check("environment.txt", &found);
}
