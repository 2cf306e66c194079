//! Change notification: commits of this process at once, commits of other processes by `NOTIFY`, with polling as
//! fallback.
//!
//! Behind a pooler that assigns connections per transaction, nothing listens: the connection would receive the
//! notifications of whichever client uses it next.
//!
//! A notification is sent after the commit by a separate task, at most one per [`COALESCE`]. Inside the transaction it
//! would serialise the commits of the whole database.

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

use super::begin::BEGIN_SHORT;
use crate::store::StoreError;

/// Channel of the notifications.
pub(super) const CHANNEL: &str = "nango_rs";
/// Commits within this duration share a notification.
const COALESCE: Duration = Duration::from_millis(50);
/// Interval at which waiters poll the transaction counter of the server.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Wakes the waiters of [`Store::wait_for_change`](crate::store::Store::wait_for_change) after a commit.
#[derive(Debug)]
pub(super) struct ChangeNotifier {
    changed: watch::Sender<()>,
    pool: PgPool,
    /// `None` if nothing listens, because a pooler may assign the connection to others.
    listener_pool: Option<PgPool>,
    /// Transaction counter of the server at the last poll.
    xid: Arc<AtomicI64>,
    committed: Arc<Notify>,
    /// Sender id in the notifications of this process, which ignores its own.
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
    /// Starts no task yet: a program that neither writes nor waits needs no task and no second connection.
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

    /// Reports a commit: to waiters of this process at once, to other processes within [`COALESCE`].
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

    /// Waits until a commit after this call, or until `timeout` has elapsed.
    pub(super) fn wait(&self, timeout: Duration) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        let mut changed = self.changed.subscribe();
        let (pool, xid) = (self.pool.clone(), Arc::clone(&self.xid));
        let known = xid.load(Ordering::Acquire);
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listener_pool) = &self.listener_pool
            && tasks.listener.is_none()
            && !tasks.closed
            && tokio::runtime::Handle::try_current().is_ok()
        {
            tasks.listener =
                Some(tokio::spawn(listener(listener_pool.clone(), self.changed.clone(), Arc::clone(&self.sender_id))));
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
                    _ = changed.changed() => return Ok(()),
                    _ = ticks.tick() => {
                        // An unreachable server is reported by the read that follows.
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

    /// Stops the tasks and closes the connection for notifications.
    pub(super) async fn close(&self) {
        self.stop();
        if let Some(listener_pool) = &self.listener_pool {
            listener_pool.close().await;
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

/// Returns the transaction counter of the server, which grows with each transaction that writes. It is in shared
/// memory.
async fn transaction_counter(pool: &PgPool) -> sqlx::Result<i64> {
    // In a transaction, so that a pooler keeps the connection from the first message to the last.
    let mut sql = pool.begin_with(BEGIN_SHORT).await?;
    let query = sqlx::query_scalar("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint");
    query.persistent(false).fetch_one(&mut *sql).await
}

async fn notifier(pool: PgPool, committed: Arc<Notify>, sender_id: Arc<str>) {
    loop {
        committed.notified().await;
        // If it fails, other processes notice the commit by polling.
        let _ = send_notification(&pool, &sender_id).await;
        sleep(COALESCE).await;
    }
}

async fn send_notification(pool: &PgPool, sender_id: &str) -> sqlx::Result<()> {
    let mut sql = pool.begin_with(BEGIN_SHORT).await?;
    sqlx::query("SELECT pg_notify($1, $2)").persistent(false).bind(CHANNEL).bind(sender_id).execute(&mut *sql).await?;
    sql.commit().await
}

async fn listener(pool: PgPool, changed: watch::Sender<()>, sender_id: Arc<str>) {
    loop {
        if let Ok(mut listener) = PgListener::connect_with(&pool).await
            && listener.listen(CHANNEL).await.is_ok()
        {
            // `None` means that the connection broke and was reopened: a notification may have been lost.
            while let Ok(notification) = listener.try_recv().await {
                if notification.is_none_or(|notification| notification.payload() != &*sender_id) {
                    changed.send_replace(());
                }
            }
        }
        if pool.is_closed() {
            return;
        }
        sleep(POLL_INTERVAL).await;
    }
}
