//! The one task that writes: a thread that owns the connection and takes jobs from a channel.
//!
//! Jobs that wait are carried out in one transaction, so that one flush of the disk serves them all. Each has a savepoint
//! of its own: a job that fails takes back only what it wrote. Must stay true: no job is answered before its transaction
//! is durable, and a job that was handed over is carried out even if nobody waits for the answer any more.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, mpsc},
    thread,
};

use tokio::sync::{oneshot, watch};

use super::{
    Db, StoreError,
    error::{DbError, DbResult, clone_error},
};
use crate::store::failpoint::failpoint;

/// So many jobs share a transaction at most.
const MAX_GROUP_JOBS: usize = 64;

/// The way to the writing thread.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Message>,
    path: Arc<Path>,
}

enum Message {
    /// Goes into a transaction.
    Write(Box<dyn Job>),
    /// Reads between two transactions.
    Read(Box<dyn FnOnce(&Db) + Send>),
    /// Everything before it is done; let go of the file.
    Close(oneshot::Sender<()>),
}

/// A piece of work that is answered once its transaction ended.
trait Job: Send {
    /// Does the work. `false`: it failed, and what it wrote is to be taken back.
    fn work(&mut self, db: &Db) -> bool;
    /// What the driver said, if that is why the work failed.
    fn failure(&self) -> Option<rusqlite::Error>;
    /// Answers: with what the work gave, or with the error that took the whole transaction back.
    fn respond(self: Box<Self>, lost: Option<&rusqlite::Error>);
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

    fn respond(self: Box<Self>, lost: Option<&rusqlite::Error>) {
        let outcome = match lost {
            Some(error) if self.outcome.is_ok() || self.work.is_some() => Err(DbError::Sql(clone_error(error))),
            _ => self.outcome,
        };
        // Whoever asked may have gone; the work is done all the same.
        let _ = self.reply.send(outcome.map_err(|fault| fault.into_store_error(&self.path)));
    }
}

/// A fault in one piece of work must not take the writer down.
pub(super) fn catch_panic<T>(work: impl FnOnce(&Db) -> DbResult<T>, db: &Db) -> DbResult<T> {
    catch_unwind(AssertUnwindSafe(|| work(db)))
        .unwrap_or_else(|_| Err(StoreError::Database("a piece of work panicked".into()).into()))
}

impl Writer {
    /// Starts the thread. It ends with [`Self::close`], or when the writer is dropped.
    pub(super) fn start(db: Db, path: Arc<Path>, changed: watch::Sender<()>) -> std::io::Result<Self> {
        let (jobs, inbox) = mpsc::channel();
        thread::Builder::new().name("nango-store".to_owned()).spawn(move || serve(db, &inbox, &changed))?;
        Ok(Self { jobs, path })
    }

    /// Does the work inside a transaction and answers when it is durable.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> DbResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let outcome = Err(StoreError::Closed.into());
        let job = Pending { work: Some(work), outcome, path: Arc::clone(&self.path), reply };
        self.send(Message::Write(Box::new(job)))?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Reads what is committed, on the connection that writes: for a database that only this connection can see.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> DbResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Read(Box::new(move |db| {
            let _ = reply.send(catch_panic(work, db));
        })))?;
        answer
            .await
            .map_or(Err(StoreError::Closed), |outcome| outcome.map_err(|fault| fault.into_store_error(&self.path)))
    }

    /// The file.
    pub(super) fn path(&self) -> Arc<Path> {
        Arc::clone(&self.path)
    }

    /// Waits for what was handed over before, moves the log into the file and lets go of it.
    pub(super) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.send(Message::Close(reply)).is_ok() {
            let _ = answer.await;
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
                // Another process may be reading; then the log stays, which is as good.
                let _ = db.sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
                drop(db);
                let _ = reply.send(());
                changed.send_replace(());
                return;
            }
        }
    }
}

/// Carries out a group of jobs in one transaction, or in more if `SQLite` takes one back on the way.
fn commit_group(db: &Db, group: Vec<Box<dyn Job>>, changed: &watch::Sender<()>) {
    // A savepoint makes SQLite copy every page that is touched; for a job alone the transaction itself is one.
    let savepoints = group.len() > 1;
    let mut waiting = group.into_iter();
    while waiting.len() > 0 {
        if let Err(error) = execute(db, "BEGIN IMMEDIATE") {
            for job in waiting {
                job.respond(Some(&error));
            }
            return;
        }
        failpoint!("sqlite:group:begun");
        let mut done = Vec::with_capacity(waiting.len());
        let mut lost = None;
        for mut job in waiting.by_ref() {
            let kept = run_job(db, &mut *job, savepoints);
            failpoint!("sqlite:group:job");
            // On a full disk and the like, SQLite takes the transaction back by itself, and all jobs before with it.
            if db.sql.is_autocommit() {
                lost = job.failure();
            }
            match kept {
                Ok(true) => done.push(job),
                Ok(false) => job.respond(None),
                Err(error) => {
                    job.respond(Some(&error));
                    lost = Some(error);
                }
            }
            if lost.is_some() || db.sql.is_autocommit() {
                break;
            }
        }
        if lost.is_none() && !db.sql.is_autocommit() {
            failpoint!("sqlite:group:before-commit");
            lost = execute(db, "COMMIT").err();
            failpoint!("sqlite:group:committed");
        }
        if !db.sql.is_autocommit() {
            let _ = execute(db, "ROLLBACK");
        }
        // Before the answers: who is answered and then waits for a change is not woken by its own.
        if lost.is_none() && !done.is_empty() {
            changed.send_replace(());
        }
        for job in done {
            job.respond(lost.as_ref());
        }
    }
}

/// Does one job. `Ok(false)`: it failed and left nothing behind. An error means that the transaction is of no use.
fn run_job(db: &Db, job: &mut dyn Job, savepoint: bool) -> rusqlite::Result<bool> {
    if savepoint {
        execute(db, "SAVEPOINT job")?;
    }
    let kept = job.work(db);
    if db.sql.is_autocommit() {
        return Ok(false);
    }
    match (savepoint, kept) {
        (true, true) => execute(db, "RELEASE job")?,
        (true, false) => {
            execute(db, "ROLLBACK TO job")?;
            execute(db, "RELEASE job")?;
        }
        (false, true) => {}
        (false, false) => execute(db, "ROLLBACK")?,
    }
    Ok(kept)
}

fn execute(db: &Db, sql: &str) -> rusqlite::Result<()> {
    db.sql.prepare_cached(sql)?.execute([]).map(drop)
}
