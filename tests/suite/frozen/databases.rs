//! Schemas of databases after a run: tables, columns, indices and the keys of settings.

use nango_tests::{Registry, postgres};
use rusqlite::Connection;

use super::check;
use crate::synced_registry::SyncedRegistry;

#[test]
fn schema_of_sqlite_is_frozen() {
    const COLUMNS: &str = "SELECT t.name || '.' || c.name || ' ' || lower(c.type) FROM sqlite_schema t \
                           JOIN pragma_table_info(t.name) c WHERE t.type = 'table' ORDER BY t.name, c.cid";
    const INDICES: &str = "SELECT 'index ' || name FROM sqlite_schema WHERE type = 'index' ORDER BY name";
    const KEYS: &str = "SELECT 'meta key ' || key FROM meta ORDER BY key";
    const VERSION: &str = "SELECT 'version ' || user_version FROM pragma_user_version";
    const APPLICATION: &str = "SELECT 'application ' || application_id FROM pragma_application_id";

    let synced = SyncedRegistry::new();
    let file = Connection::open(synced.registry.database()).expect("the database");
    let mut lines: Vec<String> = Vec::new();
    for query in [APPLICATION, VERSION, COLUMNS, INDICES, KEYS] {
        let mut select = file.prepare(query).expect("a query");
        lines.extend(select.query_map([], |row| row.get(0)).expect("rows").map(|line| line.expect("a text")));
    }
    check("sqlite.txt", &lines);
}

#[test]
fn schema_of_postgres_is_frozen() {
    const QUERIES: [&str; 4] = [
        "SELECT 'version ' || application || ' ' || number FROM nango_rs.version",
        "SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) FROM pg_class c \
         JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'nango_rs'::regnamespace \
         AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped \
         ORDER BY c.relname COLLATE \"C\", a.attnum",
        "SELECT CASE relkind WHEN 'S' THEN 'sequence ' ELSE 'index ' END || relname FROM pg_class \
         WHERE relnamespace = 'nango_rs'::regnamespace AND relkind IN ('S', 'i', 'I') AND NOT relispartition \
         ORDER BY relkind, relname COLLATE \"C\"",
        "SELECT 'meta key ' || key FROM nango_rs.meta ORDER BY key COLLATE \"C\"",
    ];

    let Some(database) = postgres::create_empty_database() else { return };
    Registry::new().run(["--database", &database.url, "demo"]).expect(0);
    let results = QUERIES.map(|query| database.sql(query));
    let lines: Vec<&str> = results.iter().flat_map(|result| result.lines()).collect();
    check("postgres.txt", &lines);
}
