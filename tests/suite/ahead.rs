//! Tests that spend their time in the product's own waits (leases, timeouts, pauses: 20 to 50 seconds each).
//!
//! The test runner has as many slots as the machine has cores, and a test that sleeps occupies one. So the first of these
//! tests begins them all, each on a thread of its own: they wait at the same time, beside the tests that compute. The others
//! then only take the result. With a filter on the command line each runs when its turn comes, and nothing else does.

use std::{
    env,
    sync::{Mutex, OnceLock, PoisonError},
    thread::{self, JoinHandle},
};

use crate::{crash, refresh};

/// A test that waits, named as its function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    ADatabaseThatAnotherProcessHolds,
    ARenewalThatIsSlow,
    ATokenThatIsStillGood,
    AnAnswerThatIsLost,
    #[cfg(debug_assertions)]
    AtEveryStep,
    WhileTheAnswerIsOnItsWay,
}

const ALL: &[Waiting] = &[
    Waiting::ADatabaseThatAnotherProcessHolds,
    Waiting::ARenewalThatIsSlow,
    Waiting::ATokenThatIsStillGood,
    Waiting::AnAnswerThatIsLost,
    #[cfg(debug_assertions)]
    Waiting::AtEveryStep,
    Waiting::WhileTheAnswerIsOnItsWay,
];

type Begun = Mutex<Option<JoinHandle<()>>>;

impl Waiting {
    /// Runs the test, or waits for the end of the run that was begun before.
    pub(crate) fn run(self) {
        static BEGUN: OnceLock<Vec<Begun>> = OnceLock::new();
        if is_filtered() {
            return self.test()();
        }
        let all = BEGUN.get_or_init(|| ALL.iter().map(|one| Mutex::new(Some(thread::spawn(one.test())))).collect());
        let begun = ALL.iter().position(|one| *one == self).and_then(|at| all.get(at)).expect("a test of the list");
        let handle = begun.lock().unwrap_or_else(PoisonError::into_inner).take().expect("a test that runs once");
        if let Err(panic) = handle.join() {
            // The runner captures the output of this thread only.
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or_else(|| panic.downcast_ref().copied()).unwrap_or("a panic without a message");
            panic!("{message}\n(run this test by its name to see all of its output)");
        }
    }

    fn test(self) -> fn() {
        match self {
            Self::ADatabaseThatAnotherProcessHolds => crash::a_database_is_held,
            Self::ARenewalThatIsSlow => refresh::a_renewal_is_slow,
            Self::ATokenThatIsStillGood => refresh::a_token_is_still_good,
            Self::AnAnswerThatIsLost => refresh::an_answer_is_lost,
            #[cfg(debug_assertions)]
            Self::AtEveryStep => refresh::killed_at_every_step,
            Self::WhileTheAnswerIsOnItsWay => refresh::killed_while_the_answer_is_on_its_way,
        }
    }
}

/// Whether the command line may choose tests. The value of an option counts as a filter, which is the safe mistake.
fn is_filtered() -> bool {
    env::args().skip(1).any(|argument| !argument.starts_with('-') || argument.starts_with("--skip"))
}
