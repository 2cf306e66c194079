//! `SQLite` store: the embedded database, in one file or in memory.
//!
//! Invariants:
//! - One thread per process writes (`writer`), and a write returns after its transaction is durable. Other processes
//!   may write to the same file, one transaction at a time.
//! - Readers see committed states only, and never wait for a writer.
//! - A unit of work is a plain function over a `Db`: the functions in `page`, `rows`, `scans`, `feed`, `runs` and
//!   similar modules run on any thread, inside a transaction that their caller has opened.

mod activities;
mod api_keys;
mod backup;
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
mod feed;
mod fence;
mod file;
mod finished_runs;
mod functions;
mod handle;
mod locks;
mod logs;
mod maintenance;
mod marks;
mod page;
mod parents;
mod processes;
mod queue;
mod readers;
mod refresh;
mod requests;
mod reseal;
mod rows;
mod runs;
mod scans;
mod schedules;
mod scheduling;
mod secrets;
mod serving;
mod sql_time;
mod sync_names;
#[cfg(test)]
mod tests;
mod transfer;
mod vacuum;
mod writer;

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};
use uuid::Uuid;

pub(crate) use self::file::SCHEMA_VERSION;
pub use self::handle::Sqlite;
use self::{
    db::{Db, get_u64},
    error::DbError,
};
use super::{
    Checkpoints, ClaimOutcome, Committed, Connection, ConnectionQuery, Connections, DatasetKey, DatasetStats,
    DeletePolicy, Encryption, EncryptionState, FeedPage, FeedRow, FinishScan, FinishedRun, FunctionKey, KeyId, Keys,
    LogLine, Logs, MetadataChange, NewConnection, NewRun, Page, PendingDeletes, ProfileChange, ReadQuery, Records,
    RefreshClaim, RefreshEnd, Refreshes, RemovedConnection, ResealProgress, Run, RunEnd, RunFilter, RunToken, Runs,
    Scan, ScanFrom, ScanOutcome, Store, StoreError, StoreFuture, StoredCheckpoint, hashed_page::HashedPage,
};
use crate::time::Timestamp;

impl Store for Sqlite {
    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    fn wait_for_change(&self, timeout: Duration) -> StoreFuture<'_, ()> {
        Box::pin(self.changes.wait(timeout))
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(async {
            self.changes.close();
            if let Some(readers) = &self.readers {
                readers.close().await;
            }
            self.writer.close().await;
            Ok(())
        })
    }
}

impl Connections for Sqlite {
    fn put_connection(&self, new: NewConnection) -> StoreFuture<'_, (Connection, bool)> {
        self.write(move |db| connections::put(db, &new))
    }

    fn connection(&self, integration: &str, id: &str) -> StoreFuture<'_, Option<Connection>> {
        let (integration, id) = (integration.to_owned(), id.to_owned());
        self.read_with(move |db| connections::find(db, &integration, &id))
    }

    fn connections(&self, integration: Option<&str>) -> StoreFuture<'_, Vec<Connection>> {
        let integration = integration.map(str::to_owned);
        self.read_with(move |db| connections::list(db, integration.as_deref()))
    }

    fn find_connections(&self, query: ConnectionQuery) -> StoreFuture<'_, Vec<Connection>> {
        self.read_with(move |db| connections::select(db, &query))
    }

    fn change_profile(
        &self,
        integration: &str,
        id: &str,
        change: ProfileChange,
    ) -> StoreFuture<'_, Option<Connection>> {
        let (integration, id) = (integration.to_owned(), id.to_owned());
        self.write(move |db| connections::change_profile(db, &integration, &id, &change))
    }

    fn change_all_metadata(
        &self,
        integration: &str,
        ids: Vec<String>,
        change: MetadataChange,
    ) -> StoreFuture<'_, Option<String>> {
        let integration = integration.to_owned();
        self.write(move |db| connections::change_all_metadata(db, &integration, &ids, &change))
    }

    fn change_metadata(
        &self,
        integration: &str,
        id: &str,
        change: MetadataChange,
    ) -> StoreFuture<'_, Option<Map<String, Value>>> {
        let (integration, id) = (integration.to_owned(), id.to_owned());
        self.write(move |db| connections::change_metadata(db, &integration, &id, change))
    }

    fn seal_config(
        &self,
        row: i64,
        version: i64,
        credentials: Vec<u8>,
        config: Map<String, Value>,
    ) -> StoreFuture<'_, bool> {
        self.write(move |db| connections::seal_config(db, row, version, &credentials, &config))
    }

    fn meta_value(&self, name: &str) -> StoreFuture<'_, Option<Vec<u8>>> {
        let name = name.to_owned();
        self.read_with(move |db| connections::meta_value(db, &name))
    }

    fn put_meta_value(&self, name: &str, value: Option<Vec<u8>>) -> StoreFuture<'_, ()> {
        let name = name.to_owned();
        self.write(move |db| connections::put_meta_value(db, &name, value.as_deref()))
    }

    fn remove_connection(&self, integration: &str, id: &str) -> StoreFuture<'_, Option<RemovedConnection>> {
        let (integration, id) = (integration.to_owned(), id.to_owned());
        self.write(move |db| connections::remove(db, &integration, &id))
    }
}

impl Refreshes for Sqlite {
    fn claim_refresh(&self, claim: RefreshClaim) -> StoreFuture<'_, ClaimOutcome> {
        self.write(move |db| refresh::claim(db, claim))
    }

    fn extend_refresh(&self, claim: RefreshClaim) -> StoreFuture<'_, bool> {
        self.write(move |db| refresh::extend(db, claim))
    }

    fn end_refresh(&self, claim: RefreshClaim, end: RefreshEnd) -> StoreFuture<'_, Option<Connection>> {
        self.write(move |db| refresh::end(db, claim, &end))
    }
}

impl Records for Sqlite {
    fn commit_all(&self, pages: Vec<Page>) -> StoreFuture<'_, Vec<Committed>> {
        let hasher = &self.shared.vault.latest_policy().hasher;
        let pages: Vec<HashedPage> = pages.into_iter().map(|page| HashedPage::new(page, hasher)).collect();
        self.write(move |db| pages.into_iter().map(|page| page::commit(db, page)).collect())
    }

    fn read(&self, dataset: &DatasetKey, query: ReadQuery) -> StoreFuture<'_, FeedPage> {
        let dataset = dataset.clone();
        self.read_with(move |db| feed::read(db, &dataset, &query))
    }

    fn records_by_id(&self, dataset: &DatasetKey, ids: Vec<String>) -> StoreFuture<'_, Vec<FeedRow>> {
        let dataset = dataset.clone();
        self.read_with(move |db| feed::by_id(db, &dataset, &ids))
    }

    fn datasets(&self, integration: Option<&str>, connection: Option<&str>) -> StoreFuture<'_, Vec<DatasetStats>> {
        let (integration, connection) = (integration.map(str::to_owned), connection.map(str::to_owned));
        self.read_with(move |db| feed::datasets(db, integration.as_deref(), connection.as_deref()))
    }

    fn begin_scan(
        &self,
        run: &RunToken,
        function: &FunctionKey,
        dataset: &DatasetKey,
        from: ScanFrom,
        is_early: bool,
    ) -> StoreFuture<'_, Scan> {
        let (run, function, dataset) = (*run, function.clone(), dataset.clone());
        self.write(move |db| scans::begin(db, &run, &function, &dataset, from, is_early))
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
        self.read_with(move |db| requests::candidates_to_request(db, &query))
    }

    fn finish_scans(&self, finishes: Vec<FinishScan>) -> StoreFuture<'_, Vec<ScanOutcome>> {
        self.write(move |db| scans::finish_all(db, &finishes))
    }

    fn pending_deletes(&self, dataset: &DatasetKey, policy: &DeletePolicy) -> StoreFuture<'_, PendingDeletes> {
        let (dataset, policy) = (dataset.clone(), policy.clone());
        self.read_with(move |db| delete_states::pending_deletes(db, &dataset, &policy))
    }

    #[cfg(debug_assertions)]
    fn backdate_scans(&self, span: Duration) -> StoreFuture<'_, ()> {
        self.write(move |db| deletes::backdate_scans(db, span))
    }
}

impl Checkpoints for Sqlite {
    fn checkpoint(&self, key: &FunctionKey) -> StoreFuture<'_, StoredCheckpoint> {
        let key = key.clone();
        self.read_with(move |db| checkpoints::read(db, &key))
    }

    fn set_checkpoint(&self, key: &FunctionKey, value: Option<Value>) -> StoreFuture<'_, i64> {
        let key = key.clone();
        self.write(move |db| checkpoints::set(db, &key, value.as_ref()))
    }

    fn resume_state(&self, key: &FunctionKey) -> StoreFuture<'_, Option<Vec<u8>>> {
        let key = key.clone();
        self.read_with(move |db| checkpoints::read_resume(db, &key))
    }

    fn reset(&self, key: &FunctionKey) -> StoreFuture<'_, ()> {
        let key = key.clone();
        self.write(move |db| checkpoints::reset(db, &key))
    }
}

impl Runs for Sqlite {
    fn start_run(&self, new: NewRun) -> StoreFuture<'_, RunToken> {
        self.write(move |db| runs::start(db, &new))
    }

    fn start_run_as(&self, new: NewRun, id: Uuid, started_at: Timestamp) -> StoreFuture<'_, RunToken> {
        self.write(move |db| runs::start_as(db, &new, id, started_at, clock::system_now()))
    }

    fn write_finished_runs(&self, runs: Vec<FinishedRun>) -> StoreFuture<'_, ()> {
        self.write(move |db| finished_runs::write(db, &runs))
    }

    fn heartbeat(&self, run: &RunToken) -> StoreFuture<'_, ()> {
        let run = *run;
        self.write(move |db| runs::heartbeat(db, &run))
    }

    fn end_run(&self, run: &RunToken, end: RunEnd) -> StoreFuture<'_, Run> {
        let run = *run;
        self.write(move |db| runs::end(db, &run, &end, None))
    }

    fn run(&self, id: Uuid) -> StoreFuture<'_, Option<Run>> {
        self.read_with(move |db| runs::by_id(db, id))
    }

    fn runs_of(&self, key: &FunctionKey, limit: u32) -> StoreFuture<'_, Vec<Run>> {
        let key = key.clone();
        self.read_with(move |db| runs::latest(db, &key, limit))
    }

    fn find_runs(&self, filter: RunFilter) -> StoreFuture<'_, Vec<Run>> {
        self.read_with(move |db| runs::select(db, &filter))
    }

    fn try_lock(&self, run: &RunToken, key: &str, ttl: Duration) -> StoreFuture<'_, bool> {
        let (run, key) = (*run, key.to_owned());
        self.write(move |db| locks::acquire(db, &run, &key, ttl))
    }

    #[cfg(debug_assertions)]
    fn move_leases(&self, micros: i64) -> StoreFuture<'_, ()> {
        self.write(move |db| runs::move_leases(db, micros))
    }

    fn unlock(&self, run: &RunToken, key: &str) -> StoreFuture<'_, bool> {
        let (run, key) = (*run, key.to_owned());
        self.write(move |db| locks::release(db, &run, &key))
    }
}

impl Logs for Sqlite {
    fn write_logs(&self, run: &RunToken, lines: Vec<LogLine>) -> StoreFuture<'_, ()> {
        let run = *run;
        self.write(move |db| {
            fence::ensure_running(db, &run)?;
            logs::write(db, run.row, &lines)
        })
    }

    fn logs_after(&self, run: Uuid, skip: usize) -> StoreFuture<'_, Vec<LogLine>> {
        self.read_with(move |db| logs::read(db, run, skip))
    }
}

impl Encryption for Sqlite {
    fn use_keys(&self, keys: Arc<dyn Keys>, seal_new: bool) -> StoreFuture<'_, ()> {
        self.shared.vault.use_keys(keys);
        Box::pin(async move {
            let known = self.read_with(encryption::settings).await?;
            let ids = self.shared.vault.keys().map(Keys::ids).unwrap_or_default();
            if known.active.is_none_or(|active| !ids.contains(&active)) {
                self.write(move |db| encryption::choose_active_key(db, seal_new)).await?;
            }
            // Without the active key, a key ring can still read everything that is sealed with another key or not at
            // all.
            self.read_with(|db| match encryption::current_policy(db) {
                Ok(_) | Err(DbError::Store(StoreError::NoKey { .. })) => Ok(()),
                Err(error) => Err(error),
            })
            .await
        })
    }

    fn encryption(&self) -> StoreFuture<'_, EncryptionState> {
        self.read_with(encryption::state)
    }

    fn encryption_settings(&self) -> StoreFuture<'_, EncryptionState> {
        self.read_with(encryption::settings)
    }

    fn seal_payloads(&self, on: bool) -> StoreFuture<'_, ()> {
        self.write(move |db| encryption::seal_payloads(db, on))
    }

    fn activate_key(&self, key: KeyId) -> StoreFuture<'_, ()> {
        self.write(move |db| encryption::activate(db, key))
    }

    fn reseal_step(&self) -> StoreFuture<'_, ResealProgress> {
        Box::pin(async {
            if !self.read_with(reseal::is_pass_complete).await? {
                return self.write(reseal::step).await;
            }
            // Between two transactions of the writer: a file cannot be rebuilt inside one.
            self.writer.read(reseal::scrub).await?;
            self.write(reseal::finish).await
        })
    }
}
