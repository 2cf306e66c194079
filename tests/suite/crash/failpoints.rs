//! Failpoints that a run of a crash test reaches, by kind of database.

use nango_core::internal::store::failpoint::NAMES;
use nango_tests::DatabaseKind;

/// Returns the failpoints that runs on a database of this kind reach.
pub(super) fn failpoints_of(kind: DatabaseKind) -> impl Iterator<Item = &'static str> {
    let other_product = match kind.product() {
        "sqlite" => "postgres:",
        _ => "sqlite:",
    };
    // Token refreshes and due runs have scenarios of their own: the syncs of a crash test have no token to refresh, and
    // run without a server.
    let of_other_scenarios = ["refresh:", "queue:", other_product];
    let is_reached = move |name: &&'static str| !of_other_scenarios.iter().any(|prefix| name.starts_with(prefix));
    NAMES.iter().copied().filter(is_reached)
}

/// Returns the failpoint in the creation of the schema, which only the process that creates the database reaches.
pub(super) fn schema_failpoint(kind: DatabaseKind) -> &'static str {
    let name = format!("{}:open:schema", kind.product());
    NAMES.iter().copied().find(|other| **other == name).expect("a failpoint in the creation of the schema")
}
