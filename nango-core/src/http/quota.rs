//! A client's part in the budgets, and what it tells of its waits.

use std::{
    fmt::Debug,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    Budget, ClientParts, HttpError, Lane, TransportError,
    budget::{Asked, Permit, Refused},
    error,
};

/// Waits that are shorter are not worth a line.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// A client's part in the budgets.
#[derive(Debug, Clone)]
pub struct Quota {
    /// What is shared with other clients.
    pub budget: Arc<Budget>,
    /// Whose turn it is, where connections share a budget.
    pub connection: String,
    /// Who waits for the client.
    pub lane: Lane,
}

/// Who is told of waits.
pub trait Watch: Send + Sync + Debug {
    /// A wait begins: `waiting 12 s for GitHub's limit`.
    fn waiting(&self, what: &str);
}

/// How long a client waited for limits. Waits at the same time count once.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// How many wait, and since when one does.
    now: Mutex<(u32, i64)>,
    /// Microseconds.
    total: AtomicU64,
}

impl Waits {
    pub(super) fn total(&self) -> Duration {
        Duration::from_micros(self.total.load(Ordering::Relaxed))
    }

    /// A wait that lasts until it is dropped.
    pub(super) fn begin<'a>(&'a self, parts: &'a ClientParts) -> Waiting<'a> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.0 == 0 {
            now.1 = parts.clock.now();
        }
        now.0 += 1;
        Waiting { waits: self, parts }
    }
}

/// A wait that goes on.
#[derive(Debug)]
pub(super) struct Waiting<'a> {
    waits: &'a Waits,
    parts: &'a ClientParts,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut now = self.waits.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.0 -= 1;
        if now.0 == 0 {
            let waited = self.parts.clock.now().saturating_sub(now.1);
            self.waits.total.fetch_add(u64::try_from(waited).unwrap_or(0), Ordering::Relaxed);
        }
    }
}

/// Tells of a wait that is worth a line.
pub(super) fn tell(parts: &ClientParts, wait: Duration) {
    if let Some(watch) = parts.watch.as_ref().filter(|_| wait >= WORTH_TELLING) {
        let whose = if parts.name.is_empty() { "the API's".to_owned() } else { format!("{}'s", parts.name) };
        watch.waiting(&format!("waiting {} for {whose} limit", error::human(wait)));
    }
}

/// Waits for a place in the budget, if there is one. `sent` names the request in errors.
pub(super) async fn place(
    parts: &ClientParts,
    waits: &Waits,
    path: &str,
    sent: impl Fn() -> String,
) -> Result<Option<Permit>, HttpError> {
    let Some(Quota { budget, connection, lane }) = &parts.quota else { return Ok(None) };
    let asked = Asked { path, lane: *lane, connection, clock: &*parts.clock, longest: parts.max_wait };
    let mut waiting = None;
    let mut told = false;
    let permit = budget
        .admit(asked, |wait| {
            waiting.get_or_insert_with(|| waits.begin(parts));
            if wait >= WORTH_TELLING && !told {
                told = true;
                tell(parts, wait);
            }
        })
        .await;
    match permit {
        Ok(permit) => Ok(Some(permit)),
        Err(Refused::Stopped) => Err(HttpError::Network { sent: sent(), attempts: 0, source: TransportError::Stopped }),
        Err(Refused::TooLong(wait)) => {
            let until = error::moment_in(parts.clock.now(), wait);
            Err(HttpError::UsedUp { sent: sent(), wait, until, longest: parts.max_wait })
        }
    }
}
