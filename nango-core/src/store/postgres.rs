//! The database on a server: `PostgreSQL` 15 or newer, shared by any number of processes.
//!
//! What must stay true:
//! - Every answer comes out of one transaction, and nothing outlives it: no setting of the session, no temporary table, no
//!   advisory lock. So it works behind a pooler that lends a connection for one transaction.
//! - A dataset's lock is the row lock of its row (`dataset`); it is taken before the keys of its records are read, and
//!   several are taken in the order of their numbers. Rows are locked in one order everywhere: connection, function, run,
//!   dataset, and what belongs to them.
//! - What a transaction seals, it seals by the policy that it holds still (`encryption`); it takes hold of it together with
//!   its first dataset, behind the locks of connection, function and run.
//! - A transaction that the server took back (a deadlock, a broken connection before the commit) is done again as a whole.
//!   Work is therefore a function of its input, which it only borrows.
//! - Tables are written with their schema, `nango_rs`; the search path is not ours.

mod changes;
mod check;
mod checkpoints;
mod clock;
mod connections;
mod dataset;
mod deletes;
mod encryption;
mod fault;
mod feed;
mod functions;
mod locks;
mod logs;
mod migrate;
mod options;
mod owner;
mod page;
mod processes;
mod refresh;
mod reseal;
mod rows;
mod runs;
mod scans;
mod server;
#[cfg(test)]
pub(super) mod tests;
mod transaction;
mod transfer;
mod upkeep;

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};
use sqlx::{
    FromRow, Postgres as Server, Transaction,
    postgres::{PgArguments, PgPool, PgRow},
    query::{Query, QueryAs, QueryScalar},
};
use uuid::Uuid;

use self::{changes::Changes, clock::Clock};
use super::{
    Answer, Checkpoints, Committed, Connection, Connections, DatasetKey, DatasetStats, DeleteOutlook, DeletePolicy,
    Encryption, EncryptionState, FeedPage, FeedRow, FinishScan, FunctionKey, KeyId, Keys, LogLine, Logs,
    MetadataChange, NewConnection, NewRun, Page, Processes, ReadQuery, Records, RefreshClaim, RefreshEnd, RefreshTurn,
    Refreshes, Removed, Resealed, Run, RunEnd, RunToken, Runs, Scan, ScanFinished, ScanFrom, Store, StoreError,
    StoreWarning, StoredCheckpoint, draft::Draft, encryption::Vault, hash::Hasher,
};

/// The schema of all tables. Not `nango`, which the original keeps for itself: both can share a database.
const SCHEMA: &str = "nango_rs";
/// How long a statement waits for a row that another transaction holds.
const LOCK_PATIENCE: Duration = Duration::from_mins(1);
/// How long a piece of work waits for a connection.
const ACQUIRE_PATIENCE: Duration = Duration::from_secs(15);

/// The moment of the server's clock, in microseconds since 1970.
macro_rules! now {
    () => {
        "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    };
}
use now;

/// An open transaction, and what belongs to the database.
#[derive(Debug)]
struct Db {
    sql: Transaction<'static, Server>,
    shared: Arc<Shared>,
}

impl Db {
    /// A statement. It is prepared under a name and kept, unless the URL says otherwise.
    fn query<'q>(&self, sql: &'static str) -> Query<'q, Server, PgArguments> {
        sqlx::query(sql).persistent(self.shared.named)
    }

    /// A statement that gives rows.
    fn query_as<'q, T: for<'r> FromRow<'r, PgRow>>(&self, sql: &'static str) -> QueryAs<'q, Server, T, PgArguments> {
        sqlx::query_as(sql).persistent(self.shared.named)
    }

    /// A statement that gives one column.
    fn query_scalar<'q, T>(&self, sql: &'static str) -> QueryScalar<'q, Server, T, PgArguments>
    where
        (T,): for<'r> FromRow<'r, PgRow>,
    {
        sqlx::query_scalar(sql).persistent(self.shared.named)
    }
}

/// What belongs to the database and is needed everywhere.
#[derive(Debug)]
struct Shared {
    clock: Clock,
    /// The names of feeds. Content hashes are taken by the regime of a transaction.
    hasher: Hasher,
    vault: Vault,
    /// Whether statements are prepared under a name.
    named: bool,
}

/// A database on a server.
#[derive(Debug)]
pub struct Postgres {
    pool: PgPool,
    shared: Arc<Shared>,
    changes: Changes,
    warnings: Vec<StoreWarning>,
}

impl Postgres {
    /// Connects, checks the server and brings the schema up to date.
    ///
    /// The URL is `postgres://user@host:5432/database`; what it leaves out is taken from `PGHOST`, `PGPORT`,
    /// `PGUSER`, `PGPASSWORD`, `PGDATABASE`, `PGSSLMODE` and the password file. Parameters behind `?` are those of
    /// `libpq` (`sslmode`, `sslrootcert`, `host` for a folder with a socket, `application_name` …), and
    /// `statement-cache-capacity=0`, which prepares no named statements: for poolers that lend a connection for one
    /// transaction and do not know of them. Nothing listens for notifications then: other processes are noticed within
    /// a second.
    ///
    /// Without `sslmode` and `PGSSLMODE`, a server that is neither behind a socket nor on the loopback interface must offer
    /// TLS with a certificate that is valid for the host (`verify-full`): of an authority that is known, or one in the
    /// file of `sslrootcert`.
    ///
    /// # Errors
    ///
    /// A URL that is none, a server that cannot be reached, cannot prove which one it is, refuses the login, is too old or
    /// does not let us write; a database that is not there, is not ours, has tables of a role that is not trusted, is newer than this program, or holds half a copy. None of them shows the
    /// password.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_as(url, false).await
    }

    /// The same for the database that an instance is to be copied into: also one that holds half a copy.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub async fn open_target(url: &str) -> Result<Self, StoreError> {
        Self::open_as(url, true).await
    }

    async fn open_as(url: &str, target: bool) -> Result<Self, StoreError> {
        let server::Opened { pool, listening, named, found } = server::open(url, target).await?;
        let server::Found { role, hash_key, now, xid } = found;
        let hasher = Hasher::new(&hash_key);
        let vault = Vault::new(hasher.clone());
        let shared = Arc::new(Shared { clock: Clock::new(now), hasher, vault, named });
        let changes = Changes::new(pool.clone(), listening, xid);
        let warnings = role.superuser.then_some(StoreWarning::Superuser { role: role.name }).into_iter().collect();
        Ok(Self { pool, shared, changes, warnings })
    }
}

/// A number of the server that counts something.
fn natural(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// A count as the server keeps it.
fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Store for Postgres {
    fn now(&self) -> i64 {
        self.shared.clock.now()
    }

    fn warnings(&self) -> &[StoreWarning] {
        &self.warnings
    }

    fn changed(&self, patience: Duration) -> Answer<'_, ()> {
        Box::pin(self.changes.wait(patience))
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async {
            self.changes.close().await;
            self.pool.close().await;
            Ok(())
        })
    }
}

impl Connections for Postgres {
    fn put_connection(&self, new: NewConnection) -> Answer<'_, (Connection, bool)> {
        self.write(new, |db, new| Box::pin(connections::put(db, new)))
    }

    fn connection(&self, integration: &str, id: &str) -> Answer<'_, Option<Connection>> {
        let names = [integration.to_owned(), id.to_owned()];
        self.read_with(names, |db, [integration, id]| Box::pin(connections::find(db, integration, id)))
    }

    fn connections(&self, integration: Option<&str>) -> Answer<'_, Vec<Connection>> {
        let integration = integration.map(str::to_owned);
        self.read_with(integration, |db, integration| Box::pin(connections::list(db, integration.as_deref())))
    }

    fn change_metadata(
        &self,
        integration: &str,
        id: &str,
        change: MetadataChange,
    ) -> Answer<'_, Option<Map<String, Value>>> {
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
    ) -> Answer<'_, bool> {
        self.write((row, version, credentials, config), |db, (row, version, credentials, config)| {
            Box::pin(connections::seal_config(db, *row, *version, credentials, config))
        })
    }

    fn note(&self, name: &str) -> Answer<'_, Option<Vec<u8>>> {
        self.read_with(name.to_owned(), |db, name| Box::pin(connections::note(db, name)))
    }

    fn put_note(&self, name: &str, value: Option<Vec<u8>>) -> Answer<'_, ()> {
        self.write((name.to_owned(), value), |db, (name, value)| {
            Box::pin(connections::put_note(db, name, value.as_deref()))
        })
    }

    fn remove_connection(&self, integration: &str, id: &str) -> Answer<'_, Option<Removed>> {
        let names = [integration.to_owned(), id.to_owned()];
        self.write(names, |db, [integration, id]| Box::pin(connections::remove(db, integration, id)))
    }
}

impl Refreshes for Postgres {
    fn claim_refresh(&self, claim: RefreshClaim) -> Answer<'_, RefreshTurn> {
        self.write(claim, |db, claim| Box::pin(refresh::claim(db, claim)))
    }

    fn keep_refresh(&self, claim: RefreshClaim) -> Answer<'_, bool> {
        self.write(claim, |db, claim| Box::pin(refresh::keep(db, claim)))
    }

    fn end_refresh(&self, claim: RefreshClaim, end: RefreshEnd) -> Answer<'_, Option<Connection>> {
        self.write((claim, end), |db, (claim, end)| Box::pin(refresh::end(db, claim, end)))
    }
}

impl Processes for Postgres {
    fn beat(&self, process: Uuid, lease: Duration) -> Answer<'_, u32> {
        self.write((process, lease), |db, (process, lease)| Box::pin(processes::beat(db, *process, *lease)))
    }

    fn leave(&self, process: Uuid) -> Answer<'_, ()> {
        self.write(process, |db, process| Box::pin(processes::leave(db, *process)))
    }
}

impl Records for Postgres {
    fn commit_all(&self, pages: Vec<Page>) -> Answer<'_, Vec<Committed>> {
        let hasher = &self.shared.vault.latest().hasher;
        let drafts: Vec<Draft> = pages.into_iter().map(|page| Draft::new(page, hasher)).collect();
        Box::pin(async move {
            let (drafts, carried) =
                self.write_keeping(drafts, |db, drafts| Box::pin(page::commit_all(db, drafts))).await?;
            Ok(carried.into_iter().zip(drafts).map(|(carried, draft)| carried.with(draft)).collect())
        })
    }

    fn read(&self, dataset: &DatasetKey, query: ReadQuery) -> Answer<'_, FeedPage> {
        self.read_with((dataset.clone(), query), |db, (dataset, query)| Box::pin(feed::read(db, dataset, query)))
    }

    fn records_by_id(&self, dataset: &DatasetKey, ids: Vec<String>) -> Answer<'_, Vec<FeedRow>> {
        self.read_with((dataset.clone(), ids), |db, (dataset, ids)| Box::pin(feed::by_id(db, dataset, ids)))
    }

    fn datasets(&self, integration: Option<&str>, connection: Option<&str>) -> Answer<'_, Vec<DatasetStats>> {
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
        brought_forward: bool,
    ) -> Answer<'_, Scan> {
        let input = (*run, function.clone(), dataset.clone(), from, brought_forward);
        self.write(input, |db, (run, function, dataset, from, brought_forward)| {
            Box::pin(scans::begin(db, run, function, dataset, *from, *brought_forward))
        })
    }

    fn delete_candidates(
        &self,
        run: &RunToken,
        dataset: &DatasetKey,
        scan: Scan,
        fingerprint: [u8; 16],
        limit: u32,
    ) -> Answer<'_, Vec<FeedRow>> {
        let ask = deletes::ToAsk { run: *run, dataset: dataset.clone(), scan, fingerprint, limit };
        self.read_with(ask, |db, ask| Box::pin(deletes::to_ask(db, ask)))
    }

    fn finish_scan(&self, finish: FinishScan) -> Answer<'_, ScanFinished> {
        self.write(finish, |db, finish| Box::pin(scans::finish(db, finish)))
    }

    fn delete_outlook(&self, dataset: &DatasetKey, policy: &DeletePolicy) -> Answer<'_, DeleteOutlook> {
        self.read_with((dataset.clone(), policy.clone()), |db, (dataset, policy)| {
            Box::pin(deletes::outlook(db, dataset, policy))
        })
    }

    #[cfg(test)]
    fn pass_time(&self, micros: i64) -> Answer<'_, ()> {
        self.write(micros, |db, micros| Box::pin(deletes::pass_time(db, *micros)))
    }
}

impl Checkpoints for Postgres {
    fn checkpoint(&self, key: &FunctionKey) -> Answer<'_, StoredCheckpoint> {
        self.read_with(key.clone(), |db, key| Box::pin(checkpoints::read(db, key)))
    }

    fn set_checkpoint(&self, key: &FunctionKey, value: Option<Value>) -> Answer<'_, i64> {
        self.write((key.clone(), value), |db, (key, value)| Box::pin(checkpoints::set(db, key, value.as_ref())))
    }

    fn resume_state(&self, key: &FunctionKey) -> Answer<'_, Option<Vec<u8>>> {
        self.read_with(key.clone(), |db, key| Box::pin(checkpoints::read_resume(db, key)))
    }

    fn reset(&self, key: &FunctionKey) -> Answer<'_, ()> {
        self.write(key.clone(), |db, key| Box::pin(checkpoints::reset(db, key)))
    }
}

impl Runs for Postgres {
    fn start_run(&self, new: NewRun) -> Answer<'_, RunToken> {
        self.write(new, |db, new| Box::pin(runs::start(db, new)))
    }

    fn heartbeat(&self, run: &RunToken) -> Answer<'_, ()> {
        self.write(*run, |db, run| Box::pin(runs::heartbeat(db, run)))
    }

    fn end_run(&self, run: &RunToken, end: RunEnd) -> Answer<'_, Run> {
        self.write((*run, end), |db, (run, end)| Box::pin(runs::end(db, run, end)))
    }

    fn run(&self, id: Uuid) -> Answer<'_, Option<Run>> {
        self.read_with(id, |db, id| Box::pin(runs::by_id(db, *id)))
    }

    fn runs_of(&self, key: &FunctionKey, limit: u32) -> Answer<'_, Vec<Run>> {
        self.read_with((key.clone(), limit), |db, (key, limit)| Box::pin(runs::latest(db, key, *limit)))
    }

    fn try_lock(&self, run: &RunToken, key: &str, ttl: Duration) -> Answer<'_, bool> {
        self.write((*run, key.to_owned(), ttl), |db, (run, key, ttl)| Box::pin(locks::acquire(db, run, key, *ttl)))
    }

    #[cfg(test)]
    fn move_leases(&self, micros: i64) -> Answer<'_, ()> {
        self.write(micros, |db, micros| Box::pin(runs::move_leases(db, *micros)))
    }

    fn unlock(&self, run: &RunToken, key: &str) -> Answer<'_, bool> {
        self.write((*run, key.to_owned()), |db, (run, key)| Box::pin(locks::release(db, run, key)))
    }
}

impl Logs for Postgres {
    fn write_logs(&self, run: &RunToken, lines: Vec<LogLine>) -> Answer<'_, ()> {
        self.write((*run, lines), |db, (run, lines)| {
            Box::pin(async move {
                runs::check(db, run).await?;
                logs::write(db, run.row, lines).await
            })
        })
    }

    fn logs(&self, run: Uuid) -> Answer<'_, Vec<LogLine>> {
        self.read_with(run, |db, run| Box::pin(logs::read(db, *run)))
    }
}

impl Encryption for Postgres {
    fn use_keys(&self, keys: Arc<dyn Keys>, seal_new: bool) -> Answer<'_, ()> {
        self.shared.vault.use_keys(keys);
        Box::pin(async move {
            let known = self.encryption_settings().await?;
            let ids = self.shared.vault.keys().map(Keys::ids).unwrap_or_default();
            if known.active.is_none_or(|active| !ids.contains(&active)) {
                self.write(seal_new, |db, seal_new| Box::pin(encryption::begin(db, *seal_new))).await?;
            }
            // A ring without the active key can still read what is not sealed with it, so this is no error yet.
            match self.read_with((), |db, ()| Box::pin(encryption::tell_the_ring(db))).await {
                Ok(()) | Err(StoreError::NoKey { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }

    fn encryption(&self) -> Answer<'_, EncryptionState> {
        self.read_with((), |db, ()| Box::pin(encryption::state(db)))
    }

    fn encryption_settings(&self) -> Answer<'_, EncryptionState> {
        self.read_with((), |db, ()| Box::pin(encryption::settings(db)))
    }

    fn seal_payloads(&self, on: bool) -> Answer<'_, ()> {
        self.write(on, |db, on| Box::pin(encryption::seal_payloads(db, *on)))
    }

    fn activate_key(&self, key: KeyId) -> Answer<'_, ()> {
        self.write(key, |db, key| Box::pin(encryption::activate(db, *key)))
    }

    fn reseal_step(&self) -> Answer<'_, Resealed> {
        self.write((), |db, ()| Box::pin(reseal::step(db)))
    }

    fn left_behind(&self) -> Option<&'static str> {
        Some(reseal::LEFT_BEHIND)
    }
}
