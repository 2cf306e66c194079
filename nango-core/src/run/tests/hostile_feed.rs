//! Randomized tests against the feed of a hostile API: positions that expire between runs and in the middle of a walk,
//! tombstones, several changes of a record in one page, missing positions and flags, faults and interruptions. An
//! oracle compares the stored records with the API's.
//!
//! Verified properties:
//! - No record that was never deleted is ever a tombstone.
//! - A complete run has each change that was made before it, by the feed or by a full walk.
//! - Without changes and faults, incremental runs alone end with a copy that equals the API's list.
//!
//! `NANGO_TEST_LONG=1` runs more cases. `NANGO_TEST_SEED=n` starts with the case of this seed.

mod api;
mod case;

use self::{
    api::FeedForm,
    case::{Counts, run_case},
};
use crate::rng;

fn case_count() -> u64 {
    if rng::is_long_run() { 2_000 } else { 32 }
}

#[tokio::test]
async fn feed_of_a_hostile_api_converges_and_deletes_no_existing_record() {
    let first = rng::seed();
    println!("NANGO_TEST_SEED={first}");
    let mut counts = Counts::default();
    for (seed, form) in (first..first + case_count()).zip(FeedForm::ALL.into_iter().cycle()) {
        run_case(seed, form, &mut counts).await;
    }
    println!("{counts:?}");
    let Counts { runs, complete, deleted, expired_at_start, expired_later, full_walks, failed } = counts;
    assert!(complete > runs / 3 && deleted > 0 && failed > 0, "{counts:?}");
    assert!(expired_at_start > 0 && expired_later > 0, "{counts:?}");
    assert!(full_walks > case_count() && full_walks < runs, "most runs are incremental: {counts:?}");
}
