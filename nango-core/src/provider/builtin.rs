//! Built-in catalogue entries, in one file per subject.
//!
//! Facts come from the public documentation of each API and from public clients of it. The comment above an entry lists
//! the sources read when it was written; `facts` contains the day on which they were last read, and keys that no public
//! source confirmed. Unconfirmed properties are omitted: an entry without `paginate` has no pagination that is common
//! to its lists.
//!
//! A field that is added to an entry later is optional in its templates, with the previous text as the last
//! alternative, so that a stored connection keeps its hosts.

use std::{collections::BTreeMap, sync::LazyLock};

use super::file::{self, RawEntry};

/// Contents of the catalogue files.
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

/// Texts of the entries by name. A process uses few of them, so they are split without parsing the YAML: an entry
/// starts with its name at the start of a line.
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

/// Returns the names of the entries, sorted.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ENTRIES.keys().copied()
}

/// Reads an entry by name.
pub(super) fn entry(name: &str) -> Option<RawEntry> {
    let text = ENTRIES.get(name)?;
    #[expect(clippy::expect_used, reason = "the text is part of the program, and a test reads all of it")]
    file::read(text).expect("a built-in entry can be read").pop()
}

#[cfg(test)]
mod tests;
