//! What users and their scripts rely on by name: a rename in the source keeps it. The lists are in `tests/golden`.
//!
//! | file | content |
//! | --- | --- |
//! | `answers` | the keys of every `--json` answer |
//! | `commands` | commands, flags, their values, exit codes |
//! | `databases` | tables, columns, keys of settings |

mod answers;
mod commands;
mod databases;

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

/// The sources below a folder, without tests.
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

/// The variables of the program's own that a source names outside its comments and its tests.
fn variables(source: &str) -> BTreeSet<String> {
    const PREFIX: &str = "NANGO_";
    let code = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = lines.flat_map(|line| {
        line.match_indices(PREFIX).map(|(at, _)| {
            let is_part = |c: char| c == '_' || c.is_ascii_uppercase() || c.is_ascii_digit();
            line[at..].chars().take_while(|c| is_part(*c)).collect::<String>()
        })
    });
    // A prefix alone is what a message says of a family of variables.
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
