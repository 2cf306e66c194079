//! Names that other processes and administrators see, frozen by `golden/postgres.txt`.

use super::super::{SCHEMA, changes, migrate, options};
use crate::golden::Lines;

#[test]
fn names_on_the_server_are_frozen() {
    let mut lines = Lines::default();
    lines.add("schema", SCHEMA);
    lines.add("application of the schema", migrate::APPLICATION);
    lines.add("notification channel", changes::CHANNEL);
    lines.add("application_name", options::APPLICATION_NAME);
    lines.check("postgres.txt");
}
