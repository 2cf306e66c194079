//! Noticing commits: those of this process at once, those of others by a notification, and by asking now and then where
//! none comes through. Behind a pooler that lends connections for a transaction nothing listens: the connection would
//! receive the notifications for whichever client has it next.
//!
//! A notification is sent after the commit, by a task of its own, and at most one in a while: inside the transaction it
//! would make the commits of the whole database wait for each other.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use sqlx::postgres::{PgListener, PgPool};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};

use super::transaction::BEGIN_SHORT;
use crate::store::StoreError;

/// The name that notifications go under.
pub(super) const CHANNEL: &str = "nango_rs";
/// Commits within this time share a notification.
const COALESCE: Duration = Duration::from_millis(50);
/// How often the server is asked.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Who waits for commits.
#[derive(Debug)]
pub(super) struct ChangeNotifier {
    changed: watch::Sender<()>,
    pool: PgPool,
    /// `None`: nothing listens, because the connection may be lent to others.
    listener_pool: Option<PgPool>,
    /// The server's transaction counter when it was last asked.
    xid: Arc<AtomicI64>,
    committed: Arc<Notify>,
    /// What this process signs its notifications with, so that it does not wake itself twice.
    sender_id: Arc<str>,
    tasks: Mutex<Tasks>,
}

#[derive(Debug, Default)]
struct Tasks {
    listener: Option<JoinHandle<()>>,
    notifier: Option<JoinHandle<()>>,
    closed: bool,
}

impl ChangeNotifier {
    /// Nothing is started yet: a program that neither writes nor waits needs no task and no second connection.
    pub(super) fn new(pool: PgPool, listener_pool: Option<PgPool>, xid: i64) -> Self {
        Self {
            changed: watch::Sender::new(()),
            pool,
            listener_pool,
            xid: Arc::new(AtomicI64::new(xid)),
            committed: Arc::default(),
            sender_id: uuid::Uuid::new_v4().to_string().into(),
            tasks: Mutex::default(),
        }
    }

    /// Tells of a commit: here at once, elsewhere soon.
    pub(super) fn notify(&self) {
        self.changed.send_replace(());
        self.committed.notify_one();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.notifier.is_none() && !tasks.closed {
            tasks.notifier = Some(tokio::spawn(notifier(
                self.pool.clone(),
                Arc::clone(&self.committed),
                Arc::clone(&self.sender_id),
            )));
        }
    }

    /// Waits until something was committed after this call, or `patience` is over.
    pub(super) fn wait(&self, timeout: Duration) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        let mut heard = self.changed.subscribe();
        let (pool, xid) = (self.pool.clone(), Arc::clone(&self.xid));
        let known = xid.load(Ordering::Acquire);
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listening) = &self.listener_pool
            && tasks.listener.is_none()
            && !tasks.closed
            && tokio::runtime::Handle::try_current().is_ok()
        {
            tasks.listener =
                Some(tokio::spawn(listener(listening.clone(), self.changed.clone(), Arc::clone(&self.sender_id))));
        }
        drop(tasks);
        async move {
            let deadline = sleep(timeout);
            tokio::pin!(deadline);
            let mut ticks = interval_at(Instant::now() + POLL_INTERVAL, POLL_INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = &mut deadline => return Ok(()),
                    _ = heard.changed() => return Ok(()),
                    _ = ticks.tick() => {
                        // A server that does not answer is told of by the read that follows.
                        let Ok(latest) = transaction_counter(&pool).await else { continue };
                        xid.fetch_max(latest, Ordering::AcqRel);
                        if latest > known {
                            return Ok(());
                        }
                    }
                }
            }
        }
    }

    /// Ends the tasks and the connection that listens.
    pub(super) async fn close(&self) {
        self.stop();
        if let Some(listening) = &self.listener_pool {
            listening.close().await;
        }
    }

    fn stop(&self) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.closed = true;
        for task in [tasks.listener.take(), tasks.notifier.take()].into_iter().flatten() {
            task.abort();
        }
    }
}

impl Drop for ChangeNotifier {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A number that grows with each transaction of the server that writes. It stands in shared memory.
async fn transaction_counter(pool: &PgPool) -> sqlx::Result<i64> {
    // In a transaction, so that a pooler keeps the connection from the first message to the last.
    let mut sql = pool.begin_with(BEGIN_SHORT).await?;
    let ask = sqlx::query_scalar("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint");
    ask.persistent(false).fetch_one(&mut *sql).await
}

async fn notifier(pool: PgPool, committed: Arc<Notify>, name: Arc<str>) {
    loop {
        committed.notified().await;
        // Where it does not come through, the others ask.
        let _ = send_notification(&pool, &name).await;
        sleep(COALESCE).await;
    }
}

async fn send_notification(pool: &PgPool, name: &str) -> sqlx::Result<()> {
    let mut sql = pool.begin_with(BEGIN_SHORT).await?;
    sqlx::query("SELECT pg_notify($1, $2)").persistent(false).bind(CHANNEL).bind(name).execute(&mut *sql).await?;
    sql.commit().await
}

async fn listener(listening: PgPool, heard: watch::Sender<()>, name: Arc<str>) {
    loop {
        if let Ok(mut listener) = PgListener::connect_with(&listening).await
            && listener.listen(CHANNEL).await.is_ok()
        {
            // `None` stands for a connection that broke and was made again: something may have been missed.
            while let Ok(notification) = listener.try_recv().await {
                if notification.is_none_or(|told| told.payload() != &*name) {
                    heard.send_replace(());
                }
            }
        }
        if listening.is_closed() {
            return;
        }
        sleep(POLL_INTERVAL).await;
    }
}
