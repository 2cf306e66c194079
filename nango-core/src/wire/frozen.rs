//! Test that values of responses do not change; expected values are in `golden/wire.txt`. The suite does not produce
//! all of them.

use super::{WaitingDeletesJson, WireError};
use crate::{
    error::{Error, ErrorKind},
    golden::Lines,
    nango::DeferredDeletes,
    provider::Evidence,
    store::{HeldBy, NextFullRun},
    time::Timestamp,
};

#[test]
fn values_of_responses_are_frozen() {
    let kinds = [
        ErrorKind::Action,
        ErrorKind::Http,
        ErrorKind::RateLimit,
        ErrorKind::Network,
        ErrorKind::Decode,
        ErrorKind::Input,
        ErrorKind::Record,
        ErrorKind::Connection,
        ErrorKind::Checkpoint,
        ErrorKind::Interrupted,
        ErrorKind::LeaseLost,
        ErrorKind::NoProgress,
        ErrorKind::Store,
        ErrorKind::Internal,
    ];
    let waiting =
        |held_by, next_full| WaitingDeletesJson::of(&DeferredDeletes { held: 1, unconfirmed: 2, held_by, next_full });

    let mut lines = Lines::default();
    lines.all("error type", kinds.map(|kind| WireError::of(&Error::new(kind, "x")).r#type));
    lines.json(
        "waiting deletes",
        &[
            waiting(None, NextFullRun::Regular),
            waiting(Some(HeldBy::Guard), NextFullRun::NextRun),
            waiting(Some(HeldBy::MaxDeletes), NextFullRun::NotBefore(Timestamp::UNIX_EPOCH)),
        ],
    );
    lines.all("evidence", [Evidence::MachineChecked, Evidence::SourceRead, Evidence::Unconfirmed].map(Evidence::name));
    lines.check("wire.txt");
}
