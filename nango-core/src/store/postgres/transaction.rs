//! Transactions: how they begin, and when they are done again.
//!
//! Statements are planned once for a connection and kept, so a plan must be right for any size of the tables: also one that
//! was made when they were empty, and where nobody ever analysed them. No estimate can promise that (of an empty table the
//! planner would rather read all than look ten rows up), so nothing is left to an estimate: rows are looked up by
//! `CROSS JOIN LATERAL (… OFFSET 0)`, which is not taken apart, with an equality for each column of the one index; known rows
//! are changed by `ON CONFLICT`, which knows its index; and the settings at the beginning leave no walk over a table. They
//! end with the transaction.

use std::{pin::Pin, sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    Db, Postgres, StoreError, StoreFuture,
    error::{DbError, DbResult, RetryReason},
};
use crate::store::failpoint::failpoint;

/// Goes in front of each transaction; all in one message.
///
/// Tables are written with their schema, but functions and operators are looked up along the search path. The owner of a
/// database may set one for all its sessions, and a function in `public` whose arguments match better than the system's is
/// taken before it: so it is pinned, with temporary objects last.
macro_rules! begin {
    ($mode:literal) => {
        concat!(
            $mode,
            "; SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; \
             SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off; \
             SET LOCAL lock_timeout = '60s'; SET LOCAL idle_in_transaction_session_timeout = '60s'"
        )
    };
}
/// Each statement sees what was committed before it, so that what is read under a lock is the latest. Not `READ WRITE`: a
/// server whose disk runs full is set to `default_transaction_read_only`, and that is not for us to override.
const BEGIN_WRITE: &str = begin!("BEGIN ISOLATION LEVEL READ COMMITTED");
/// All statements see one state.
const BEGIN_READ: &str = begin!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");

/// For the opening, before the schema is known.
pub(super) const BEGIN_OPEN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL search_path = pg_catalog, pg_temp; \
                               SET LOCAL lock_timeout = '60s'; SET LOCAL idle_in_transaction_session_timeout = '60s'";
/// For a transaction of one statement that looks up no row.
pub(super) const BEGIN_SHORT: &str = "BEGIN; SET LOCAL search_path = pg_catalog, pg_temp";

/// How often a transaction is done again that was in another's way.
const MAX_CONFLICT_RETRIES: u32 = 8;
/// How often one is done again whose connection broke: the pool may hold several that a restart of the server broke.
const MAX_DISCONNECT_RETRIES: u32 = 16;

/// A piece of work in a transaction: a function of its input, so that it can be done again.
pub(super) type Work<I, T> = for<'a> fn(&'a mut Db, &'a I) -> Pin<Box<dyn Future<Output = DbResult<T>> + Send + 'a>>;

impl Db {
    /// Lets the planner read whole tables, to the end of the transaction: for work that looks at every row.
    pub(super) async fn allow_seq_scan(&mut self) -> DbResult<()> {
        const WALK: &str = "SET LOCAL enable_seqscan = on; SET LOCAL plan_cache_mode = auto";
        sqlx::raw_sql(WALK).execute(&mut *self.sql).await?;
        Ok(())
    }
}

impl Postgres {
    /// Does a piece of work that writes.
    pub(super) fn write<I, T>(&self, input: I, work: Work<I, T>) -> StoreFuture<'_, T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        Box::pin(async move { Ok(self.write_returning_input(input, work).await?.1) })
    }

    /// [`Self::write`] that gives the input back.
    pub(super) async fn write_returning_input<I: Sync, T>(
        &self,
        input: I,
        work: Work<I, T>,
    ) -> Result<(I, T), StoreError> {
        let done = self.with_retries(BEGIN_WRITE, &input, work).await?;
        self.changes.notify();
        Ok((input, done))
    }

    /// Does a piece of work that only reads.
    pub(super) fn read_with<I, T>(&self, input: I, work: Work<I, T>) -> StoreFuture<'_, T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        Box::pin(async move { self.with_retries(BEGIN_READ, &input, work).await })
    }

    /// [`Self::read_with`] that is not done again: what it did elsewhere meanwhile is not taken back.
    pub(super) async fn read_without_retry<I: Sync, T>(&self, input: &I, work: Work<I, T>) -> Result<T, StoreError> {
        self.attempt(BEGIN_READ, input, work).await.map_err(DbError::into_store_error)
    }

    async fn with_retries<I, T>(&self, begin: &'static str, input: &I, work: Work<I, T>) -> Result<T, StoreError> {
        let (mut conflicts, mut breaks) = (0, 0);
        loop {
            let fault = match self.attempt(begin, input, work).await {
                Ok(done) => return Ok(done),
                Err(fault) => fault,
            };
            let wait = match fault.retry_reason() {
                Some(RetryReason::Conflict) if conflicts < MAX_CONFLICT_RETRIES => {
                    conflicts += 1;
                    // Not the same length for both: they would meet again.
                    let mut random = [0; 1];
                    let spread = getrandom::fill(&mut random).map_or(0, |()| u64::from(random[0] % 16));
                    Duration::from_millis((1 << conflicts) + spread)
                }
                Some(RetryReason::Disconnected) if breaks < MAX_DISCONNECT_RETRIES => {
                    breaks += 1;
                    Duration::from_millis(u64::from(breaks) * 5)
                }
                _ => return Err(fault.into_store_error()),
            };
            sleep(wait).await;
        }
    }

    async fn attempt<I, T>(&self, begin: &'static str, input: &I, work: Work<I, T>) -> DbResult<T> {
        let sql = self.pool.begin_with(begin).await?;
        let mut db = Db { sql, shared: Arc::clone(&self.shared) };
        // A transaction that is dropped is taken back; for one that only read, that is its end.
        let done = work(&mut db, input).await?;
        if begin == BEGIN_WRITE {
            failpoint!("postgres:before-commit");
            db.sql.commit().await.map_err(DbError::Commit)?;
            failpoint!("postgres:committed");
        }
        Ok(done)
    }
}
