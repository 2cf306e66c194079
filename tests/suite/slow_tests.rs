//! Scheduling of tests that spend their time in the product's own waits (leases, timeouts, backoffs: 20 to 50 seconds
//! each).
//!
//! The test runner has as many slots as the machine has cores, and a sleeping test occupies one. Therefore the first of
//! these tests starts all of them on threads of their own, where they wait at the same time, in parallel with tests
//! that compute; the others only fetch their results. With a filter on the command line each test runs by itself, and
//! no other is started.

use std::{
    env,
    sync::{Mutex, OnceLock, PoisonError},
    thread::{self, JoinHandle},
};

use crate::{crash, refresh};

/// A test that mostly waits; the variant is named after its function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlowTest {
    LockedDatabase,
    RefreshOutlastsLease,
    ValidTokenWhileServerIsDown,
    LostTokenResponse,
    #[cfg(debug_assertions)]
    KilledAtRefreshFailpoints,
    KilledDuringTokenResponse,
}

const ALL: &[SlowTest] = &[
    SlowTest::LockedDatabase,
    SlowTest::RefreshOutlastsLease,
    SlowTest::ValidTokenWhileServerIsDown,
    SlowTest::LostTokenResponse,
    #[cfg(debug_assertions)]
    SlowTest::KilledAtRefreshFailpoints,
    SlowTest::KilledDuringTokenResponse,
];

type StartedTest = Mutex<Option<JoinHandle<()>>>;

impl SlowTest {
    /// Runs the test, or waits for the end of the run that an earlier test has started.
    pub(crate) fn run(self) {
        static STARTED: OnceLock<Vec<StartedTest>> = OnceLock::new();
        if is_filtered() {
            return self.test_fn()();
        }
        let all =
            STARTED.get_or_init(|| ALL.iter().map(|one| Mutex::new(Some(thread::spawn(one.test_fn())))).collect());
        let started =
            ALL.iter().position(|one| *one == self).and_then(|index| all.get(index)).expect("a test of the list");
        let handle = started.lock().unwrap_or_else(PoisonError::into_inner).take().expect("a test that runs once");
        if let Err(panic) = handle.join() {
            // The runner captures the output of this thread only.
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or_else(|| panic.downcast_ref().copied()).unwrap_or("a panic without a message");
            panic!("{message}\n(run this test by its name to see all of its output)");
        }
    }

    fn test_fn(self) -> fn() {
        match self {
            Self::LockedDatabase => crash::check_locked_database,
            Self::RefreshOutlastsLease => refresh::check_refresh_outlasts_lease,
            Self::ValidTokenWhileServerIsDown => refresh::check_valid_token_while_server_is_down,
            Self::LostTokenResponse => refresh::check_lost_token_response,
            #[cfg(debug_assertions)]
            Self::KilledAtRefreshFailpoints => refresh::check_kill_at_refresh_failpoints,
            Self::KilledDuringTokenResponse => refresh::check_kill_during_token_response,
        }
    }
}

/// Whether the command line may select tests. The value of an option counts as a filter, which only costs time.
fn is_filtered() -> bool {
    env::args().skip(1).any(|argument| !argument.starts_with('-') || argument.starts_with("--skip"))
}
