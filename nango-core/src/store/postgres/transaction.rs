//! Units of work in transactions, with retries.

use std::{pin::Pin, sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    Db, Postgres,
    begin::{BEGIN_READ, BEGIN_WRITE},
    error::{DbError, DbResult, RetryReason},
};
use crate::store::{StoreError, StoreFuture, failpoint::failpoint};

/// Maximum number of retries of a transaction after a conflict with another one.
const MAX_CONFLICT_RETRIES: u32 = 8;
/// Maximum number of retries after a broken connection: a restart of the server breaks several connections of the pool.
const MAX_DISCONNECT_RETRIES: u32 = 16;

/// A unit of work in a transaction: a function of its input, so that it can be retried.
pub(super) type Work<I, T> = for<'a> fn(&'a mut Db, &'a I) -> Pin<Box<dyn Future<Output = DbResult<T>> + Send + 'a>>;

impl Db {
    /// Allows sequential scans until the end of the transaction, for work that reads every row.
    pub(super) async fn allow_seq_scan(&mut self) -> DbResult<()> {
        const ALLOW: &str = "SET LOCAL enable_seqscan = on; SET LOCAL plan_cache_mode = auto";
        sqlx::raw_sql(ALLOW).execute(&mut *self.sql).await?;
        Ok(())
    }
}

impl Postgres {
    /// Runs a unit of work that writes.
    pub(super) fn write<I, T>(&self, input: I, work: Work<I, T>) -> StoreFuture<'_, T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        Box::pin(async move { Ok(self.write_returning_input(input, work).await?.1) })
    }

    /// Like [`Self::write`], but without a notification: for heartbeats, which change nothing that others wait for.
    pub(super) fn write_unnoticed<I, T>(&self, input: I, work: Work<I, T>) -> StoreFuture<'_, T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        Box::pin(async move { self.with_retries(BEGIN_WRITE, &input, work).await })
    }

    /// Runs a unit of work that writes, and returns its input as well.
    pub(super) async fn write_returning_input<I: Sync, T>(
        &self,
        input: I,
        work: Work<I, T>,
    ) -> Result<(I, T), StoreError> {
        let done = self.with_retries(BEGIN_WRITE, &input, work).await?;
        self.changes.notify();
        Ok((input, done))
    }

    /// Runs a unit of work that only reads.
    pub(super) fn read_with<I, T>(&self, input: I, work: Work<I, T>) -> StoreFuture<'_, T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        Box::pin(async move { self.with_retries(BEGIN_READ, &input, work).await })
    }

    /// Like [`Self::read_with`], but without retries: for work with effects outside the database.
    pub(super) async fn read_without_retry<I: Sync, T>(&self, input: &I, work: Work<I, T>) -> Result<T, StoreError> {
        self.attempt(BEGIN_READ, input, work).await.map_err(DbError::into_store_error)
    }

    async fn with_retries<I, T>(&self, begin: &'static str, input: &I, work: Work<I, T>) -> Result<T, StoreError> {
        let (mut conflicts, mut breaks) = (0, 0);
        loop {
            let error = match self.attempt(begin, input, work).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let wait = match error.retry_reason() {
                Some(RetryReason::Conflict) if conflicts < MAX_CONFLICT_RETRIES => {
                    conflicts += 1;
                    // Jitter: with equal delays, two transactions would conflict again.
                    let mut random = [0; 1];
                    let spread = getrandom::fill(&mut random).map_or(0, |()| u64::from(random[0] % 16));
                    Duration::from_millis((1 << conflicts) + spread)
                }
                Some(RetryReason::Disconnected) if breaks < MAX_DISCONNECT_RETRIES => {
                    breaks += 1;
                    Duration::from_millis(u64::from(breaks) * 5)
                }
                _ => return Err(error.into_store_error()),
            };
            sleep(wait).await;
        }
    }

    async fn attempt<I, T>(&self, begin: &'static str, input: &I, work: Work<I, T>) -> DbResult<T> {
        let sql = self.pool.begin_with(begin).await?;
        let mut db = Db { sql, shared: Arc::clone(&self.shared) };
        // A dropped transaction is rolled back, which suffices for one that only reads.
        let done = work(&mut db, input).await?;
        if begin == BEGIN_WRITE {
            failpoint!("postgres:before-commit");
            db.sql.commit().await.map_err(DbError::Commit)?;
            failpoint!("postgres:committed");
        }
        Ok(done)
    }
}
