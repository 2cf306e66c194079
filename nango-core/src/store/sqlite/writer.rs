//! Writer thread: owns the connection that writes and executes jobs from a channel.
//!
//! Queued jobs share a transaction, so that they share the flush to the disk. Each has its own savepoint: a job that
//! fails reverts only its own writes. Invariants: the result of a job is sent after its transaction is durable; a job
//! in the channel is executed even if its caller has stopped waiting.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, mpsc},
    thread,
};

use tokio::sync::{oneshot, watch};

use super::{
    Db,
    error::{DbError, DbResult, clone_error},
};
use crate::store::{StoreError, failpoint::failpoint};

/// Maximum number of jobs in a transaction.
const MAX_GROUP_JOBS: usize = 64;

/// Handle of the writer thread.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Message>,
    path: Arc<Path>,
}

enum Message {
    /// A job to execute in a transaction.
    Write(Box<dyn Job>),
    /// A function to execute between two transactions.
    Read(Box<dyn FnOnce(&Db) + Send>),
    /// Closes the file, after all earlier messages.
    Close(oneshot::Sender<()>),
}

/// A unit of work whose result is sent after its transaction has ended.
trait Job: Send {
    /// Executes the work. Returns `false` if it failed and its writes must be reverted.
    fn work(&mut self, db: &Db) -> bool;
    /// Returns the error of the driver, if that made the work fail.
    fn failure(&self) -> Option<rusqlite::Error>;
    /// Sends the result of the work, or the error by which the whole transaction was rolled back.
    fn respond(self: Box<Self>, rolled_back_by: Option<&rusqlite::Error>);
}

struct Pending<W, T> {
    work: Option<W>,
    outcome: DbResult<T>,
    path: Arc<Path>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, W: FnOnce(&Db) -> DbResult<T> + Send> Job for Pending<W, T> {
    fn work(&mut self, db: &Db) -> bool {
        if let Some(work) = self.work.take() {
            self.outcome = catch_panic(work, db);
        }
        self.outcome.is_ok()
    }

    fn failure(&self) -> Option<rusqlite::Error> {
        match &self.outcome {
            Err(DbError::Sql(error)) => Some(clone_error(error)),
            _ => None,
        }
    }

    fn respond(self: Box<Self>, rolled_back_by: Option<&rusqlite::Error>) {
        let outcome = match rolled_back_by {
            Some(error) if self.outcome.is_ok() || self.work.is_some() => Err(DbError::Sql(clone_error(error))),
            _ => self.outcome,
        };
        // The caller may have been dropped; the work is committed all the same.
        let _ = self.reply.send(outcome.map_err(|error| error.into_store_error(&self.path)));
    }
}

/// Executes work and converts a panic to an error, so that it does not end the thread.
pub(super) fn catch_panic<T>(work: impl FnOnce(&Db) -> DbResult<T>, db: &Db) -> DbResult<T> {
    catch_unwind(AssertUnwindSafe(|| work(db)))
        .unwrap_or_else(|_| Err(StoreError::Database("a unit of work panicked".into()).into()))
}

impl Writer {
    /// Starts the thread. It ends with [`Self::close`], or when the handle is dropped.
    pub(super) fn start(db: Db, path: Arc<Path>, changed: watch::Sender<()>) -> std::io::Result<Self> {
        let (jobs, inbox) = mpsc::channel();
        thread::Builder::new().name("nango-store".to_owned()).spawn(move || serve(db, &inbox, &changed))?;
        Ok(Self { jobs, path })
    }

    /// Executes work inside a transaction and returns when it is durable.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> DbResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, response) = oneshot::channel();
        let outcome = Err(StoreError::Closed.into());
        let job = Pending { work: Some(work), outcome, path: Arc::clone(&self.path), reply };
        self.send(Message::Write(Box::new(job)))?;
        response.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Reads committed data on the connection that writes: for a database in memory, which only this connection can
    /// see.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> DbResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, response) = oneshot::channel();
        self.send(Message::Read(Box::new(move |db| {
            let _ = reply.send(catch_panic(work, db));
        })))?;
        response
            .await
            .map_or(Err(StoreError::Closed), |outcome| outcome.map_err(|error| error.into_store_error(&self.path)))
    }

    /// Returns the path of the file.
    pub(super) fn path(&self) -> Arc<Path> {
        Arc::clone(&self.path)
    }

    /// Waits for earlier jobs, moves the log into the file and closes it.
    pub(super) async fn close(&self) {
        let (reply, response) = oneshot::channel();
        if self.send(Message::Close(reply)).is_ok() {
            let _ = response.await;
        }
    }

    fn send(&self, message: Message) -> Result<(), StoreError> {
        self.jobs.send(message).map_err(|_| StoreError::Closed)
    }
}

fn serve(db: Db, inbox: &mpsc::Receiver<Message>, changed: &watch::Sender<()>) {
    let mut next = None;
    while let Some(message) = next.take().or_else(|| inbox.recv().ok()) {
        match message {
            Message::Write(first) => {
                let mut group = vec![first];
                while group.len() < MAX_GROUP_JOBS {
                    match inbox.try_recv() {
                        Ok(Message::Write(job)) => group.push(job),
                        other => {
                            next = other.ok();
                            break;
                        }
                    }
                }
                commit_group(&db, group, changed);
            }
            Message::Read(read) => read(&db),
            Message::Close(reply) => {
                failpoint!("sqlite:close");
                // While another process reads, the log stays, which is harmless.
                let _ = db.sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
                drop(db);
                let _ = reply.send(());
                changed.send_replace(());
                return;
            }
        }
    }
}

/// Executes a group of jobs in one transaction, or in more if `SQLite` rolls one back.
fn commit_group(db: &Db, group: Vec<Box<dyn Job>>, changed: &watch::Sender<()>) {
    // A savepoint makes SQLite copy every page that is changed; a single job needs none beside the transaction.
    let savepoints = group.len() > 1;
    let mut pending = group.into_iter();
    while pending.len() > 0 {
        if let Err(error) = execute(db, "BEGIN IMMEDIATE") {
            for job in pending {
                job.respond(Some(&error));
            }
            return;
        }
        failpoint!("sqlite:group:begun");
        let mut done = Vec::with_capacity(pending.len());
        let mut rolled_back_by = None;
        for mut job in pending.by_ref() {
            let succeeded = run_job(db, &mut *job, savepoints);
            failpoint!("sqlite:group:job");
            // On some errors, such as a full disk, SQLite rolls back the transaction itself, with all earlier jobs.
            if db.sql.is_autocommit() {
                rolled_back_by = job.failure();
            }
            match succeeded {
                Ok(true) => done.push(job),
                Ok(false) => job.respond(None),
                Err(error) => {
                    job.respond(Some(&error));
                    rolled_back_by = Some(error);
                }
            }
            if rolled_back_by.is_some() || db.sql.is_autocommit() {
                break;
            }
        }
        if rolled_back_by.is_none() && !db.sql.is_autocommit() {
            failpoint!("sqlite:group:before-commit");
            rolled_back_by = execute(db, "COMMIT").err();
            failpoint!("sqlite:group:committed");
        }
        if !db.sql.is_autocommit() {
            let _ = execute(db, "ROLLBACK");
        }
        // Before the results are sent: a caller that then waits for a change is not woken by its own.
        if rolled_back_by.is_none() && !done.is_empty() {
            changed.send_replace(());
        }
        for job in done {
            job.respond(rolled_back_by.as_ref());
        }
    }
}

/// Executes one job. Returns `Ok(false)` if it failed and its writes were reverted, and an error if the transaction
/// cannot be continued.
fn run_job(db: &Db, job: &mut dyn Job, savepoint: bool) -> rusqlite::Result<bool> {
    if savepoint {
        execute(db, "SAVEPOINT job")?;
    }
    let succeeded = job.work(db);
    if db.sql.is_autocommit() {
        return Ok(false);
    }
    match (savepoint, succeeded) {
        (true, true) => execute(db, "RELEASE job")?,
        (true, false) => {
            execute(db, "ROLLBACK TO job")?;
            execute(db, "RELEASE job")?;
        }
        (false, true) => {}
        (false, false) => execute(db, "ROLLBACK")?,
    }
    Ok(succeeded)
}

fn execute(db: &Db, sql: &str) -> rusqlite::Result<()> {
    db.sql.prepare_cached(sql)?.execute([]).map(drop)
}
