//! The APIs that are known without configuration, by subject.
//!
//! Facts are from the public documentation of each API and from public clients of it: the line above an entry names what
//! was read when it was written, `facts` the day on which it was read last, and keys that no public source confirmed. What
//! could not be found out is left out: an entry without `paginate` is one whose lists have no way in common.
//!
//! A field that an entry gets later is optional in its templates, with what they were as their last way: a connection that
//! was stored before keeps its hosts.

use std::{collections::BTreeMap, sync::LazyLock};

use super::file::{self, RawEntry};

/// The texts of the files.
const FILES: [&str; 14] = [
    include_str!("builtin/code.yaml"),
    include_str!("builtin/communication.yaml"),
    include_str!("builtin/documents.yaml"),
    include_str!("builtin/files.yaml"),
    include_str!("builtin/google.yaml"),
    include_str!("builtin/marketing.yaml"),
    include_str!("builtin/microsoft.yaml"),
    include_str!("builtin/models.yaml"),
    include_str!("builtin/money.yaml"),
    include_str!("builtin/other.yaml"),
    include_str!("builtin/people.yaml"),
    include_str!("builtin/sales.yaml"),
    include_str!("builtin/support.yaml"),
    include_str!("builtin/work.yaml"),
];

/// The texts of the entries by name. A program needs few of them, so they are separated without reading the YAML: an entry
/// begins with its name at the beginning of a line.
static ENTRIES: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let mut entries = BTreeMap::new();
    for text in FILES {
        let lines = text.match_indices('\n').map(|(end, _)| end + 1);
        let starts = lines.filter(|&line| text[line..].starts_with(|c: char| c.is_ascii_alphanumeric()));
        let mut end = text.len();
        for start in starts.collect::<Vec<_>>().into_iter().rev() {
            let entry = &text[start..end];
            entries.insert(entry.split(':').next().unwrap_or_default(), entry);
            end = start;
        }
    }
    entries
});

/// The names of the entries, sorted.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ENTRIES.keys().copied()
}

/// An entry as it is written.
pub(super) fn entry(name: &str) -> Option<RawEntry> {
    let text = ENTRIES.get(name)?;
    #[expect(clippy::expect_used, reason = "the text is part of the program, and a test reads all of it")]
    file::read(text).expect("a built-in entry can be read").pop()
}

#[cfg(test)]
mod tests;
