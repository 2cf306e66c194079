//! Transactions, and the state that they share.

use std::{sync::Arc, time::Duration};

use sqlx::{
    FromRow, Postgres as Server, Transaction,
    postgres::{PgArguments, PgRow},
    query::{Query, QueryAs, QueryScalar},
};

use super::clock::Clock;
use crate::store::{encryption::Vault, hash::Hasher};

/// The schema of all tables. Nango itself uses `nango`, so both can share a database.
pub(super) const SCHEMA: &str = "nango_rs";
/// Maximum time that a statement waits for a row lock of another transaction.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_mins(1);
/// Maximum time that a unit of work waits for a connection of the pool.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(15);

/// SQL expression: the time of the server's clock in microseconds since 1970 (UTC).
macro_rules! now {
    () => {
        "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    };
}
pub(super) use now;

/// An open transaction and the state that is shared with the other transactions of the database.
#[derive(Debug)]
pub(super) struct Db {
    pub sql: Transaction<'static, Server>,
    pub shared: Arc<Shared>,
}

impl Db {
    /// Creates a statement. It is prepared under a name and cached, unless the URL disables named statements.
    pub(super) fn query<'q>(&self, sql: &'static str) -> Query<'q, Server, PgArguments> {
        sqlx::query(sql).persistent(self.shared.named_statements)
    }

    /// Creates a statement that returns rows.
    pub(super) fn query_as<'q, T: for<'r> FromRow<'r, PgRow>>(
        &self,
        sql: &'static str,
    ) -> QueryAs<'q, Server, T, PgArguments> {
        sqlx::query_as(sql).persistent(self.shared.named_statements)
    }

    /// Creates a statement that returns one column.
    pub(super) fn query_scalar<'q, T>(&self, sql: &'static str) -> QueryScalar<'q, Server, T, PgArguments>
    where
        (T,): for<'r> FromRow<'r, PgRow>,
    {
        sqlx::query_scalar(sql).persistent(self.shared.named_statements)
    }
}

/// State of an open database that every transaction uses.
#[derive(Debug)]
pub(super) struct Shared {
    pub clock: Clock,
    /// Computes the names of feeds. Content hashes are computed by the policy of a transaction instead.
    pub hasher: Hasher,
    pub vault: Vault,
    /// Whether statements are prepared under a name.
    pub named_statements: bool,
}

/// Converts a count of the server; a negative one becomes 0.
pub(super) fn to_u64(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// Converts a count for the server; one that is too large becomes [`i64::MAX`].
pub(super) fn to_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
