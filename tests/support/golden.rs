//! Golden files: lists of values that are stored or sent, and that a rename in the source must not change.
//!
//! A golden file has one value per line. [`check`] compares it with the values of this build; with
//! `NANGO_UPDATE_GOLDEN=1` it writes the file instead. A line that disappears breaks databases or scripts of users; a
//! new line belongs in the commit that adds the value.
//!
//! This file uses nothing but `std`: the tests of other crates include it by its path.

use std::{env, fs, path::Path};

/// The environment variable that makes [`check`] write the golden files.
pub const UPDATE_VARIABLE: &str = "NANGO_UPDATE_GOLDEN";

/// Compares values with the lines of a golden file, in order, or writes the file if [`UPDATE_VARIABLE`] is set.
///
/// # Panics
///
/// Panics if the file and the values differ, or if the file cannot be read or written.
#[track_caller]
pub fn check<T: AsRef<str>>(path: &Path, found: &[T]) {
    let found: Vec<&str> = found.iter().map(AsRef::as_ref).collect();
    if env::var(UPDATE_VARIABLE).is_ok_and(|value| value == "1") {
        let folder = path.parent().expect("a folder of golden files");
        fs::create_dir_all(folder).expect("a folder that can be created");
        fs::write(path, found.join("\n") + "\n").expect("a golden file that can be written");
        return;
    }
    let frozen = lines(path);
    assert!(
        frozen == found,
        "values that are stored or sent differ from {}:\n{}\nA rename must keep them. If the change is intended, \
         run the test with {UPDATE_VARIABLE}=1 and commit the file.",
        path.display(),
        diff(&frozen, &found)
    );
}

/// Returns the lines of a golden file.
///
/// # Panics
///
/// Panics if the file cannot be read.
#[track_caller]
pub fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| {
        panic!("{}: {error}; run the test with {UPDATE_VARIABLE}=1 to write it", path.display())
    });
    text.lines().map(str::to_owned).collect()
}

/// Returns the values of the lines `name: value` in a golden file.
///
/// # Panics
///
/// Panics if the file cannot be read or has no such line.
#[track_caller]
pub fn values(path: &Path, name: &str) -> Vec<String> {
    let prefix = format!("{name}: ");
    let values: Vec<String> =
        lines(path).iter().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect();
    assert!(!values.is_empty(), "{} has no line `{name}: …`", path.display());
    values
}

/// Returns the lines that are only in the file (`-`) or only in this build (`+`).
fn diff(frozen: &[String], found: &[&str]) -> String {
    let mut added = found.to_vec();
    let mut lines = Vec::new();
    for line in frozen {
        match added.iter().position(|other| other == line) {
            Some(index) => drop(added.remove(index)),
            None => lines.push(format!("- {line}")),
        }
    }
    lines.extend(added.iter().map(|line| format!("+ {line}")));
    if lines.is_empty() { "  the lines are the same, in another order".to_owned() } else { lines.join("\n") }
}
