//! Replays two recorded runs of `tickets`, without a network: the complete export, then the changes.
//!
//! The answers come from a local server that behaves as the public documents of the API say:
//! `tests/suite/example_feeds.rs`.

use nango_core::testing::Replay;

use super::*;

#[tokio::test]
async fn recorded_export_saves_all_tickets() -> Result<()> {
    let replay = Replay::open("tests/recordings/zendesk-tickets.jsonl")?;
    let report = replay.run(tickets).await?;
    let counts = report.counts::<ZendeskTicket>();
    assert_eq!((counts.added, counts.updated, counts.deleted, counts.unchanged), (5, 0, 0, 0));
    assert_eq!(report.pages(), 2);
    Ok(())
}

#[tokio::test]
async fn recorded_export_continues_at_its_cursor() -> Result<()> {
    let replay = Replay::open("tests/recordings/zendesk-tickets-changes.jsonl")?;
    let report = replay.run(tickets).await?;
    let counts = report.counts::<ZendeskTicket>();
    assert_eq!((counts.added, counts.updated, counts.deleted, counts.unchanged), (2, 1, 1, 0));
    assert_eq!(replay.deleted::<ZendeskTicket>().await, ["2"]);
    Ok(())
}
