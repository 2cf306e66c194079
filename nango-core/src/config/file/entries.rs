//! Entries of a table.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Key, byte offset and value of an entry.
type TableEntry<'a, 'i> = (&'a str, usize, &'a Spanned<DeValue<'i>>);

/// Returns the entries of a table in the order of the file, so that the first mistake is reported.
pub(super) fn entries<'a, 'i>(table: &'a DeTable<'i>) -> impl Iterator<Item = TableEntry<'a, 'i>> {
    let mut entries: Vec<TableEntry<'a, 'i>> =
        table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span().start, value)).collect();
    entries.sort_by_key(|(_, at, _)| *at);
    entries.into_iter()
}
