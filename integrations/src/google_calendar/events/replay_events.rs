//! Replays two recorded runs of `events`, without a network: all events, then the changes.
//!
//! The answers come from a local server that behaves as the public documents of the API say:
//! `tests/suite/example_feeds.rs`.

use nango_core::testing::Replay;

use super::*;

#[tokio::test]
async fn recorded_run_saves_all_events() -> Result<()> {
    let replay = Replay::open("tests/recordings/calendar-events.jsonl")?;
    let report = replay.run(events).await?;
    let counts = report.counts::<CalendarEvent>();
    assert_eq!((counts.added, counts.updated, counts.deleted, counts.unchanged), (5, 0, 0, 0));
    assert_eq!(report.pages(), 2);
    Ok(())
}

#[tokio::test]
async fn recorded_run_continues_at_its_sync_token() -> Result<()> {
    let replay = Replay::open("tests/recordings/calendar-events-changes.jsonl")?;
    let report = replay.run(events).await?;
    let counts = report.counts::<CalendarEvent>();
    assert_eq!((counts.added, counts.updated, counts.deleted, counts.unchanged), (2, 1, 1, 0));
    assert_eq!(replay.deleted::<CalendarEvent>().await, ["e2"]);
    Ok(())
}
