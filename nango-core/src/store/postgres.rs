//! `PostgreSQL` store: version 15 or newer, shared by any number of processes.
//!
//! Invariants:
//! - Every result comes from one transaction, and no state outlives it: no session setting, no temporary table, no
//!   advisory lock of a session. The store therefore works behind a pooler that assigns a connection per transaction.
//! - A dataset is locked by the row lock of its row (`dataset`), which is acquired before the keys of its records are
//!   read. Several datasets are locked in the order of their ids. Rows are locked in one order everywhere: connection,
//!   function, run, dataset, and then the rows that belong to them.
//! - A transaction encrypts by the policy that it has locked (`encryption`). The lock is acquired together with the
//!   first dataset, after the locks of connection, function and run.
//! - A transaction that was rolled back by the server (a deadlock, a connection that broke before the commit) is
//!   retried as a whole. A unit of work is therefore a function of its input, which it only borrows.
//! - Table names include their schema, `nango_rs`; the search path is not under our control.

mod activities;
mod api_keys;
mod begin;
mod cancellation;
mod candidates;
mod changes;
mod check;
mod checkpoints;
mod children;
mod claims;
mod clock;
mod connections;
mod dataset;
mod db;
mod delete_states;
mod deletes;
mod encryption;
mod error;
mod exclusion;
mod feed;
mod fence;
mod finished_runs;
mod functions;
mod handle;
mod locks;
mod logs;
mod maintenance;
mod marks;
mod migrate;
mod options;
mod owner;
mod page;
mod parents;
mod processes;
mod queue;
mod refresh;
mod requests;
mod reseal;
mod rows;
mod runs;
mod scans;
mod schedules;
mod scheduling;
mod secrets;
mod server;
mod sql_time;
mod sync_names;
#[cfg(test)]
pub(super) mod tests;
mod transaction;
mod transfer;

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};
use uuid::Uuid;

use self::db::{Db, SCHEMA, now, to_i64, to_u64};
pub(crate) use self::handle::Postgres;
pub(crate) use self::migrate::SCHEMA_VERSION;
use super::{
    Checkpoints, ClaimOutcome, Committed, Connection, ConnectionQuery, Connections, DatasetKey, DatasetStats,
    DeletePolicy, Encryption, EncryptionState, FeedPage, FeedRow, FinishScan, FinishedRun, FunctionKey, KeyId, Keys,
    LogLine, Logs, MetadataChange, NewConnection, NewRun, Page, PendingDeletes, ProfileChange, ReadQuery, Records,
    RefreshClaim, RefreshEnd, Refreshes, RemovedConnection, ResealProgress, Run, RunEnd, RunFilter, RunToken, Runs,
    Scan, ScanFrom, ScanOutcome, Store, StoreError, StoreFuture, StoreWarning, StoredCheckpoint,
    hashed_page::HashedPage,
};
use crate::time::Timestamp;

impl Store for Postgres {
    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    fn warnings(&self) -> &[StoreWarning] {
        &self.warnings
    }

    fn wait_for_change(&self, timeout: Duration) -> StoreFuture<'_, ()> {
        Box::pin(self.changes.wait(timeout))
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(async {
            self.changes.close().await;
            self.pool.close().await;
            Ok(())
        })
    }
}

impl Connections for Postgres {
    fn put_connection(&self, new: NewConnection) -> StoreFuture<'_, (Connection, bool)> {
        self.write(new, |db, new| Box::pin(connections::put(db, new)))
    }

    fn connection(&self, integration: &str, id: &str) -> StoreFuture<'_, Option<Connection>> {
        let names = [integration.to_owned(), id.to_owned()];
        self.read_with(names, |db, [integration, id]| Box::pin(connections::find(db, integration, id)))
    }

    fn connections(&self, integration: Option<&str>) -> StoreFuture<'_, Vec<Connection>> {
        let integration = integration.map(str::to_owned);
        self.read_with(integration, |db, integration| Box::pin(connections::list(db, integration.as_deref())))
    }

    fn find_connections(&self, query: ConnectionQuery) -> StoreFuture<'_, Vec<Connection>> {
        self.read_with(query, |db, query| Box::pin(connections::select(db, query)))
    }

    fn change_profile(
        &self,
        integration: &str,
        id: &str,
        change: ProfileChange,
    ) -> StoreFuture<'_, Option<Connection>> {
        self.write((integration.to_owned(), id.to_owned(), change), |db, (integration, id, change)| {
            Box::pin(connections::change_profile(db, integration, id, change))
        })
    }

    fn change_all_metadata(
        &self,
        integration: &str,
        ids: Vec<String>,
        change: MetadataChange,
    ) -> StoreFuture<'_, Option<String>> {
        self.write((integration.to_owned(), ids, change), |db, (integration, ids, change)| {
            Box::pin(connections::change_all_metadata(db, integration, ids, change))
        })
    }

    fn change_metadata(
        &self,
        integration: &str,
        id: &str,
        change: MetadataChange,
    ) -> StoreFuture<'_, Option<Map<String, Value>>> {
        let input = (integration.to_owned(), id.to_owned(), change);
        self.write(input, |db, (integration, id, change)| {
            Box::pin(connections::change_metadata(db, integration, id, change))
        })
    }

    fn seal_config(
        &self,
        row: i64,
        version: i64,
        credentials: Vec<u8>,
        config: Map<String, Value>,
    ) -> StoreFuture<'_, bool> {
        self.write((row, version, credentials, config), |db, (row, version, credentials, config)| {
            Box::pin(connections::seal_config(db, *row, *version, credentials, config))
        })
    }

    fn meta_value(&self, name: &str) -> StoreFuture<'_, Option<Vec<u8>>> {
        self.read_with(name.to_owned(), |db, name| Box::pin(connections::meta_value(db, name)))
    }

    fn put_meta_value(&self, name: &str, value: Option<Vec<u8>>) -> StoreFuture<'_, ()> {
        self.write((name.to_owned(), value), |db, (name, value)| {
            Box::pin(connections::put_meta_value(db, name, value.as_deref()))
        })
    }

    fn remove_connection(&self, integration: &str, id: &str) -> StoreFuture<'_, Option<RemovedConnection>> {
        let names = [integration.to_owned(), id.to_owned()];
        self.write(names, |db, [integration, id]| Box::pin(connections::remove(db, integration, id)))
    }
}

impl Refreshes for Postgres {
    fn claim_refresh(&self, claim: RefreshClaim) -> StoreFuture<'_, ClaimOutcome> {
        self.write(claim, |db, claim| Box::pin(refresh::claim(db, claim)))
    }

    fn extend_refresh(&self, claim: RefreshClaim) -> StoreFuture<'_, bool> {
        self.write(claim, |db, claim| Box::pin(refresh::extend(db, claim)))
    }

    fn end_refresh(&self, claim: RefreshClaim, end: RefreshEnd) -> StoreFuture<'_, Option<Connection>> {
        self.write((claim, end), |db, (claim, end)| Box::pin(refresh::end(db, claim, end)))
    }
}

impl Records for Postgres {
    fn commit_all(&self, pages: Vec<Page>) -> StoreFuture<'_, Vec<Committed>> {
        let hasher = &self.shared.vault.latest_policy().hasher;
        let pages: Vec<HashedPage> = pages.into_iter().map(|page| HashedPage::new(page, hasher)).collect();
        Box::pin(async move {
            let (pages, outcomes) =
                self.write_returning_input(pages, |db, pages| Box::pin(page::commit_all(db, pages))).await?;
            Ok(outcomes.into_iter().zip(pages).map(|(outcome, page)| outcome.into_committed(page)).collect())
        })
    }

    fn read(&self, dataset: &DatasetKey, query: ReadQuery) -> StoreFuture<'_, FeedPage> {
        self.read_with((dataset.clone(), query), |db, (dataset, query)| Box::pin(feed::read(db, dataset, query)))
    }

    fn records_by_id(&self, dataset: &DatasetKey, ids: Vec<String>) -> StoreFuture<'_, Vec<FeedRow>> {
        self.read_with((dataset.clone(), ids), |db, (dataset, ids)| Box::pin(feed::by_id(db, dataset, ids)))
    }

    fn datasets(&self, integration: Option<&str>, connection: Option<&str>) -> StoreFuture<'_, Vec<DatasetStats>> {
        let names = [integration, connection].map(|name| name.map(str::to_owned));
        self.read_with(names, |db, [integration, connection]| {
            Box::pin(feed::datasets(db, integration.as_deref(), connection.as_deref()))
        })
    }

    fn begin_scan(
        &self,
        run: &RunToken,
        function: &FunctionKey,
        dataset: &DatasetKey,
        from: ScanFrom,
        is_early: bool,
    ) -> StoreFuture<'_, Scan> {
        let input = (*run, function.clone(), dataset.clone(), from, is_early);
        self.write(input, |db, (run, function, dataset, from, is_early)| {
            Box::pin(scans::begin(db, run, function, dataset, *from, *is_early))
        })
    }

    fn delete_candidates(
        &self,
        run: &RunToken,
        dataset: &DatasetKey,
        scan: Scan,
        fingerprint: [u8; 16],
        by_parent: bool,
        limit: u32,
    ) -> StoreFuture<'_, Vec<FeedRow>> {
        let query =
            requests::CandidateQuery { run: *run, dataset: dataset.clone(), scan, fingerprint, by_parent, limit };
        self.read_with(query, |db, query| Box::pin(requests::candidates_to_request(db, query)))
    }

    fn finish_scans(&self, finishes: Vec<FinishScan>) -> StoreFuture<'_, Vec<ScanOutcome>> {
        self.write(finishes, |db, finishes| Box::pin(scans::finish_all(db, finishes)))
    }

    fn pending_deletes(&self, dataset: &DatasetKey, policy: &DeletePolicy) -> StoreFuture<'_, PendingDeletes> {
        self.read_with((dataset.clone(), policy.clone()), |db, (dataset, policy)| {
            Box::pin(delete_states::pending_deletes(db, dataset, policy))
        })
    }

    #[cfg(debug_assertions)]
    fn backdate_scans(&self, span: Duration) -> StoreFuture<'_, ()> {
        self.write(span, |db, span| Box::pin(deletes::backdate_scans(db, *span)))
    }
}

impl Checkpoints for Postgres {
    fn checkpoint(&self, key: &FunctionKey) -> StoreFuture<'_, StoredCheckpoint> {
        self.read_with(key.clone(), |db, key| Box::pin(checkpoints::read(db, key)))
    }

    fn set_checkpoint(&self, key: &FunctionKey, value: Option<Value>) -> StoreFuture<'_, i64> {
        self.write((key.clone(), value), |db, (key, value)| Box::pin(checkpoints::set(db, key, value.as_ref())))
    }

    fn resume_state(&self, key: &FunctionKey) -> StoreFuture<'_, Option<Vec<u8>>> {
        self.read_with(key.clone(), |db, key| Box::pin(checkpoints::read_resume(db, key)))
    }

    fn reset(&self, key: &FunctionKey) -> StoreFuture<'_, ()> {
        self.write(key.clone(), |db, key| Box::pin(checkpoints::reset(db, key)))
    }
}

impl Runs for Postgres {
    fn start_run(&self, new: NewRun) -> StoreFuture<'_, RunToken> {
        self.write(new, |db, new| Box::pin(runs::start(db, new)))
    }

    fn start_run_as(&self, new: NewRun, id: Uuid, started_at: Timestamp) -> StoreFuture<'_, RunToken> {
        self.write((new, id, started_at), |db, (new, id, started_at)| {
            Box::pin(runs::start_as(db, new, *id, Some(*started_at)))
        })
    }

    fn write_finished_runs(&self, runs: Vec<FinishedRun>) -> StoreFuture<'_, ()> {
        self.write(runs, |db, runs| Box::pin(finished_runs::write(db, runs)))
    }

    fn heartbeat(&self, run: &RunToken) -> StoreFuture<'_, ()> {
        self.write_unnoticed(*run, |db, run| Box::pin(runs::heartbeat(db, run)))
    }

    fn end_run(&self, run: &RunToken, end: RunEnd) -> StoreFuture<'_, Run> {
        self.write((*run, end), |db, (run, end)| Box::pin(runs::end(db, run, end, None)))
    }

    fn run(&self, id: Uuid) -> StoreFuture<'_, Option<Run>> {
        self.read_with(id, |db, id| Box::pin(runs::by_id(db, *id)))
    }

    fn runs_of(&self, key: &FunctionKey, limit: u32) -> StoreFuture<'_, Vec<Run>> {
        self.read_with((key.clone(), limit), |db, (key, limit)| Box::pin(runs::latest(db, key, *limit)))
    }

    fn find_runs(&self, filter: RunFilter) -> StoreFuture<'_, Vec<Run>> {
        self.read_with(filter, |db, filter| Box::pin(runs::select(db, filter)))
    }

    fn try_lock(&self, run: &RunToken, key: &str, ttl: Duration) -> StoreFuture<'_, bool> {
        self.write((*run, key.to_owned(), ttl), |db, (run, key, ttl)| Box::pin(locks::acquire(db, run, key, *ttl)))
    }

    #[cfg(debug_assertions)]
    fn move_leases(&self, micros: i64) -> StoreFuture<'_, ()> {
        self.write(micros, |db, micros| Box::pin(runs::move_leases(db, *micros)))
    }

    fn unlock(&self, run: &RunToken, key: &str) -> StoreFuture<'_, bool> {
        self.write((*run, key.to_owned()), |db, (run, key)| Box::pin(locks::release(db, run, key)))
    }
}

impl Logs for Postgres {
    fn write_logs(&self, run: &RunToken, lines: Vec<LogLine>) -> StoreFuture<'_, ()> {
        self.write((*run, lines), |db, (run, lines)| {
            Box::pin(async move {
                fence::ensure_running(db, run).await?;
                logs::write(db, run.row, lines).await
            })
        })
    }

    fn logs_after(&self, run: Uuid, skip: usize) -> StoreFuture<'_, Vec<LogLine>> {
        self.read_with((run, skip), |db, (run, skip)| Box::pin(logs::read(db, *run, *skip)))
    }
}

impl Encryption for Postgres {
    fn use_keys(&self, keys: Arc<dyn Keys>, seal_new: bool) -> StoreFuture<'_, ()> {
        self.shared.vault.use_keys(keys);
        Box::pin(async move {
            let known = self.encryption_settings().await?;
            let ids = self.shared.vault.keys().map(Keys::ids).unwrap_or_default();
            if known.active.is_none_or(|active| !ids.contains(&active)) {
                self.write(seal_new, |db, seal_new| Box::pin(encryption::choose_active_key(db, *seal_new))).await?;
            }
            // Without the active key, a key ring can still read everything that is sealed with another key or not at
            // all.
            match self.read_with((), |db, ()| Box::pin(encryption::announce_active_key(db))).await {
                Ok(()) | Err(StoreError::NoKey { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }

    fn encryption(&self) -> StoreFuture<'_, EncryptionState> {
        self.read_with((), |db, ()| Box::pin(encryption::state(db)))
    }

    fn encryption_settings(&self) -> StoreFuture<'_, EncryptionState> {
        self.read_with((), |db, ()| Box::pin(encryption::settings(db)))
    }

    fn seal_payloads(&self, on: bool) -> StoreFuture<'_, ()> {
        self.write(on, |db, on| Box::pin(encryption::seal_payloads(db, *on)))
    }

    fn activate_key(&self, key: KeyId) -> StoreFuture<'_, ()> {
        self.write(key, |db, key| Box::pin(encryption::activate(db, *key)))
    }

    fn reseal_step(&self) -> StoreFuture<'_, ResealProgress> {
        self.write((), |db, ()| Box::pin(reseal::step(db)))
    }

    fn plaintext_remains(&self) -> Option<&'static str> {
        Some(reseal::PLAINTEXT_REMAINS)
    }
}
