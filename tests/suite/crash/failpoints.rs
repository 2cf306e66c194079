//! Failpoints that a run of a crash test reaches, by kind of database.

use nango_core::internal::store::failpoint::NAMES;
use nango_tests::DatabaseKind;

/// Returns the failpoints that runs on a database of this kind reach.
pub(super) fn failpoints_of(kind: DatabaseKind) -> impl Iterator<Item = &'static str> {
    let other_product = match kind.product() {
        "sqlite" => "postgres:",
        _ => "sqlite:",
    };
    // Token refreshes have scenarios of their own: the syncs of a crash test have no token to refresh.
    NAMES.iter().copied().filter(move |name| !name.starts_with(other_product) && !name.starts_with("refresh:"))
}

/// Returns the failpoint in the creation of the schema, which only the process that creates the database reaches.
pub(super) fn schema_failpoint(kind: DatabaseKind) -> &'static str {
    let name = format!("{}:open:schema", kind.product());
    NAMES.iter().copied().find(|other| **other == name).expect("a failpoint in the creation of the schema")
}
