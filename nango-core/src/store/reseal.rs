//! Reseal pass over the stored rows of a database.

use std::time::{Duration, Instant};

use super::{ResealProgress, Store, StoreError};

/// The minimum pause between two reseal steps.
const MIN_PAUSE: Duration = Duration::from_millis(2);

/// Runs reseal steps until everything is sealed according to the policy, or until `should_continue` returns `false`. It
/// is called after each step with the total progress. An interrupted pass resumes after its last step.
///
/// # Errors
///
/// Returns the error of a step; earlier steps stay committed.
pub async fn reseal(
    store: &dyn Store,
    mut should_continue: impl FnMut(&ResealProgress) -> bool,
) -> Result<ResealProgress, StoreError> {
    let mut sum = ResealProgress::default();
    loop {
        let began = Instant::now();
        let step = store.reseal_step().await?;
        sum.seen += step.seen;
        sum.changed += step.changed;
        sum.skipped += step.skipped;
        sum.done = step.done;
        if sum.done || !should_continue(&sum) {
            return Ok(sum);
        }
        // The pause is as long as the step, because other processes poll for the lock and must find it free.
        tokio::time::sleep(began.elapsed().max(MIN_PAUSE)).await;
    }
}
