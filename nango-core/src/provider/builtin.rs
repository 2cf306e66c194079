//! The APIs that are known without configuration, by subject.
//!
//! Facts are from the public documentation of each API and from public clients of it: the line above an entry names what
//! was read when it was written. What could not be found out is left out: an entry without `paginate` is one whose lists
//! have no way in common.

use std::{collections::BTreeMap, iter, sync::LazyLock};

use super::file::{self, RawEntry};

/// The files: their names, for messages, and their texts.
const FILES: [(&str, &str); 14] = [
    ("builtin/code.yaml", include_str!("builtin/code.yaml")),
    ("builtin/communication.yaml", include_str!("builtin/communication.yaml")),
    ("builtin/documents.yaml", include_str!("builtin/documents.yaml")),
    ("builtin/files.yaml", include_str!("builtin/files.yaml")),
    ("builtin/google.yaml", include_str!("builtin/google.yaml")),
    ("builtin/marketing.yaml", include_str!("builtin/marketing.yaml")),
    ("builtin/microsoft.yaml", include_str!("builtin/microsoft.yaml")),
    ("builtin/models.yaml", include_str!("builtin/models.yaml")),
    ("builtin/money.yaml", include_str!("builtin/money.yaml")),
    ("builtin/other.yaml", include_str!("builtin/other.yaml")),
    ("builtin/people.yaml", include_str!("builtin/people.yaml")),
    ("builtin/sales.yaml", include_str!("builtin/sales.yaml")),
    ("builtin/support.yaml", include_str!("builtin/support.yaml")),
    ("builtin/work.yaml", include_str!("builtin/work.yaml")),
];

/// The texts of the entries by name. A program needs few of them, so they are separated without reading the YAML: an entry
/// begins with its name at the beginning of a line.
static ENTRIES: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let entries = FILES.iter().flat_map(|(_, text)| {
        let starts =
            || text.split_inclusive('\n').scan(0, |at, line| Some((std::mem::replace(at, *at + line.len()), line)));
        let names = || starts().filter(|(_, line)| line.starts_with(|c: char| c.is_ascii_alphanumeric()));
        let ends = names().skip(1).map(|(at, _)| at).chain(iter::once(text.len()));
        let names = names().map(|(at, line)| (at, line.split(':').next().unwrap_or_default()));
        names.zip(ends).map(|((start, name), end)| (name, &text[start..end])).collect::<Vec<_>>()
    });
    entries.collect()
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
mod tests {
    use super::*;
    use crate::provider::Catalogue;

    #[test]
    fn entry_alone_is_read_as_in_its_file() {
        let whole = FILES.iter().flat_map(|(_, text)| file::read(text).unwrap());
        let mut count = 0;
        for written in whole {
            let alone = entry(&written.name).unwrap();
            assert_eq!((alone.name, alone.keys), (written.name, written.keys));
            count += 1;
        }
        assert_eq!(count, names().count());
    }

    #[test]
    fn no_name_is_there_twice() {
        let each = FILES.iter().map(|(_, text)| Catalogue::parse(text).unwrap().names().count());
        assert_eq!(each.sum::<usize>(), Catalogue::builtin().names().count());
    }

    #[test]
    fn every_entry_says_what_it_is() {
        for provider in Catalogue::builtin().providers() {
            let name = &provider.name;
            assert!(!provider.categories.is_empty() && provider.docs.is_some(), "{name}");
            assert!(provider.raw.contains_key("display_name") && provider.accepts(provider.mode), "{name}");
            let fields = provider.credentials.iter().chain(&provider.config);
            for field in fields.filter(|field| !field.hidden) {
                assert!(!field.description.is_empty(), "{name}: {}", field.name);
            }
        }
    }
}
