//! Schema ownership, version and migrations.
//!
//! Invariants: a schema that is not ours (`owner`) is neither read nor written; migrations go forwards only, all of
//! them in one transaction, under a table lock that other processes wait for.

use sqlx::{Connection, PgConnection};

use super::{
    SCHEMA,
    begin::BEGIN_OPEN,
    error::{DbError, DbResult, code},
    owner::{self, Role},
};
use crate::store::{StoreError, failpoint::failpoint, random};

/// Marks a schema as ours; stored together with its version.
pub(super) const APPLICATION: &str = "nng1";
/// Schema version that this program creates and migrates to.
pub(crate) const SCHEMA_VERSION: usize = MIGRATIONS.len();

/// Migrations from an empty schema to the current one; each is applied once.
const MIGRATIONS: [&str; 10] = [
    include_str!("schema/001.sql"),
    include_str!("schema/002.sql"),
    include_str!("schema/003.sql"),
    include_str!("schema/004.sql"),
    include_str!("schema/005.sql"),
    include_str!("schema/006.sql"),
    include_str!("schema/007.sql"),
    include_str!("schema/008.sql"),
    include_str!("schema/009.sql"),
    include_str!("schema/010.sql"),
];
/// Maximum number of attempts. Two processes that create the schema concurrently conflict once or twice.
const ATTEMPTS: u32 = 10;

/// Returns whether the schema is up to date. The check needs no lock and no right to change the schema.
pub(super) async fn is_current(sql: &mut PgConnection, at: &str) -> DbResult<bool> {
    Ok(version(sql, at).await?.is_some_and(|version| version >= known_version()))
}

/// Returns the key of the content hashes.
pub(super) async fn hash_key(sql: &mut PgConnection) -> DbResult<[u8; 32]> {
    const KEY: &str = "SELECT value FROM nango_rs.meta WHERE key = 'hash_key'";
    let key: Vec<u8> = sqlx::query_scalar(KEY).persistent(false).fetch_one(sql).await?;
    key.try_into().map_err(|_| DbError::damaged("a hash key"))
}

/// Migrates the schema to the current version.
pub(super) async fn migrate(sql: &mut PgConnection, role: &Role, at: &str) -> DbResult<()> {
    let mut attempt = 0;
    while let Err(error) = apply_migrations(sql, role, at).await {
        attempt += 1;
        // Another process created the schema or the table in between, or both changed the catalogue at the same time.
        let conflict = matches!(&error, DbError::Sql(error) | DbError::Commit(error)
            if matches!(code(error), Some("23505" | "42P06" | "42P07" | "40P01" | "XX000")));
        if !conflict || attempt == ATTEMPTS {
            return Err(error);
        }
    }
    Ok(())
}

fn known_version() -> i64 {
    i64::try_from(SCHEMA_VERSION).unwrap_or(i64::MAX)
}

/// Returns the error for a schema of this name that another program created.
fn foreign_schema(at: &str) -> DbError {
    let reason =
        format!("its schema `{SCHEMA}` belongs to another program; choose another database, or rename that schema");
    DbError::Store(StoreError::UnsupportedServer { at: at.to_owned(), reason })
}

/// Returns whether the version table exists; reads the catalogue only. Refuses a schema with other objects in it.
async fn version_table_exists(sql: &mut PgConnection, at: &str) -> DbResult<bool> {
    const TABLES: &str = "SELECT count(*) FILTER (WHERE relname = 'version' AND relkind = 'r'), count(*) \
                          FROM pg_class WHERE relnamespace = to_regnamespace($1)";
    let (ours, all): (i64, i64) = sqlx::query_as(TABLES).persistent(false).bind(SCHEMA).fetch_one(sql).await?;
    if ours == 0 && all > 0 { Err(foreign_schema(at)) } else { Ok(ours > 0) }
}

/// Returns whether this program can use a schema that is newer than it.
async fn is_readable(sql: &mut PgConnection) -> DbResult<bool> {
    const OLDEST: &str = "SELECT value FROM nango_rs.meta WHERE key = 'readable_from'";
    let oldest: Option<Vec<u8>> = match sqlx::query_scalar(OLDEST).persistent(false).fetch_optional(sql).await {
        // The schema has no settings.
        Err(error) if code(&error) == Some("42P01") => None,
        oldest => oldest?,
    };
    let oldest = oldest.and_then(|oldest| String::from_utf8(oldest).ok()?.parse::<i64>().ok());
    Ok(oldest.is_some_and(|oldest| oldest <= known_version()))
}

/// Returns the version of our schema, or `None` if there is no schema yet. The caller has checked the schema's owners.
async fn version(sql: &mut PgConnection, at: &str) -> DbResult<Option<i64>> {
    const VERSION: &str = "SELECT application, number FROM nango_rs.version";
    if !version_table_exists(sql, at).await? {
        return Ok(None);
    }
    let found: Vec<(String, i64)> = match sqlx::query_as(VERSION).persistent(false).fetch_all(&mut *sql).await {
        // A table of this name with other columns or column types.
        Err(error) if code(&error) == Some("42703") || matches!(error, sqlx::Error::ColumnDecode { .. }) => {
            return Err(foreign_schema(at));
        }
        found => found?,
    };
    match &found[..] {
        [] => Ok(None),
        [(application, number)] if application == APPLICATION && *number <= known_version() => Ok(Some(*number)),
        [(application, found)] if application == APPLICATION && is_readable(sql).await? => Ok(Some(*found)),
        [(application, found)] if application == APPLICATION => {
            Err(StoreError::NewerSchema { at: at.to_owned(), found: *found, known: known_version() }.into())
        }
        _ => Err(foreign_schema(at)),
    }
}

/// Applies the migrations that the schema lacks.
async fn apply_migrations(sql: &mut PgConnection, role: &Role, at: &str) -> DbResult<()> {
    const SCHEMA: &str = "CREATE SCHEMA IF NOT EXISTS nango_rs";
    const TABLE: &str = "CREATE TABLE IF NOT EXISTS nango_rs.version (application TEXT NOT NULL, \
                         number BIGINT NOT NULL); \
         LOCK TABLE nango_rs.version IN ACCESS EXCLUSIVE MODE";
    const META: &str = "INSERT INTO nango_rs.meta (key, value) VALUES ('instance', $1), ('hash_key', $2)";
    const DONE: &str = "WITH old AS (DELETE FROM nango_rs.version) INSERT INTO nango_rs.version VALUES ($1, $2)";
    let mut tx = sql.begin_with(BEGIN_OPEN).await?;
    // Reads the catalogue only: a lock on the table that is upgraded later would deadlock two processes.
    version_table_exists(&mut tx, at).await?;
    sqlx::raw_sql(SCHEMA).execute(&mut *tx).await?;
    // Checked again before the schema is touched: another process may have created it since the first check.
    owner::check(&mut tx, role, at).await?;
    version_table_exists(&mut tx, at).await?;
    sqlx::raw_sql(TABLE).execute(&mut *tx).await?;
    owner::check(&mut tx, role, at).await?;
    // Read again under the lock: another process may have migrated the schema, possibly to a newer version.
    let done = version(&mut tx, at).await?.unwrap_or(0);
    if done > known_version() {
        return Ok(());
    }
    for step in MIGRATIONS.iter().skip(usize::try_from(done).unwrap_or(0)) {
        sqlx::raw_sql(*step).execute(&mut *tx).await?;
    }
    if done == 0 {
        let (mut instance, mut key) = ([0; 16], [0; 32]);
        random::fill(&mut instance)?;
        random::fill(&mut key)?;
        sqlx::query(META).persistent(false).bind(&instance[..]).bind(&key[..]).execute(&mut *tx).await?;
    }
    sqlx::query(DONE).persistent(false).bind(APPLICATION).bind(known_version()).execute(&mut *tx).await?;
    failpoint!("postgres:open:schema");
    tx.commit().await.map_err(DbError::Commit)
}
