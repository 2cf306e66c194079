//! Golden files of this crate's tests, in `src/golden`.
//!
//! They fix stored and sent values: names in the source may change, these values may not.

#[path = "../../tests/support/golden.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of the crate `nango-tests`; this crate uses a part of it"
)]
mod shared;

use std::{
    fmt::{Debug, Display, Write as _},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/golden").join(name)
}

/// Lines of the form `name: value` that are compared with a golden file.
#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<String>);

impl Lines {
    /// Adds a line with one value.
    pub(crate) fn add(&mut self, name: &str, value: impl Display) {
        self.0.push(format!("{name}: {value}"));
    }

    /// Adds several values of one name.
    pub(crate) fn all<T: Display>(&mut self, name: &str, values: impl IntoIterator<Item = T>) {
        for value in values {
            self.add(name, value);
        }
    }

    /// Adds bytes in hexadecimal.
    pub(crate) fn bytes(&mut self, name: &str, value: &[u8]) {
        self.add(name, hex(value));
    }

    /// Adds values in the JSON that serde writes.
    pub(crate) fn json<T: Serialize>(&mut self, name: &str, values: &[T]) {
        self.all(name, values.iter().map(|value| serde_json::to_string(value).unwrap()));
    }

    /// Compares the lines with the file.
    #[track_caller]
    pub(crate) fn check(&self, name: &str) {
        shared::check(&file(name), &self.0);
    }
}

/// Decodes the JSON of a golden file and checks that each value equals the expected one.
#[track_caller]
pub(crate) fn check_read<T: DeserializeOwned + PartialEq + Debug>(file_name: &str, name: &str, expect: &[T]) {
    let read: Vec<T> = values(file_name, name).iter().map(|value| serde_json::from_str(value).unwrap()).collect();
    assert_eq!(read, expect, "{name} of {file_name} is read as another value");
}

/// Formats bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Parses a text of hexadecimal digits into bytes.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Returns the values of one name in a golden file.
#[track_caller]
pub(crate) fn values(file_name: &str, name: &str) -> Vec<String> {
    shared::values(&file(file_name), name)
}
