//! Replays two recorded runs of `messages`, without a network: all messages, then the new ones.
//!
//! The answers come from a local server that behaves as the public documents of the API say:
//! `tests/suite/example_apis/slack_messages.rs`.

use nango_core::testing::Replay;

use super::*;

#[tokio::test]
async fn recorded_messages_of_each_channel_are_saved() -> Result<()> {
    let replay = Replay::open("tests/recordings/slack-messages.jsonl")?;
    let report = replay.run(messages).await?;
    let counts = report.counts::<SlackMessage>();
    assert_eq!((counts.added, counts.updated, counts.deleted, counts.unchanged), (6, 0, 0, 0));
    assert_eq!((report.parents(), report.parents_skipped(), report.pages()), (3, 1, 5));
    Ok(())
}

#[tokio::test]
async fn recorded_run_reads_only_new_messages() -> Result<()> {
    let replay = Replay::open("tests/recordings/slack-messages-new.jsonl")?;
    let report = replay.run(messages).await?;
    let counts = report.counts::<SlackMessage>();
    assert_eq!((counts.added, counts.updated, counts.deleted, counts.unchanged), (2, 0, 0, 0));
    assert_eq!(replay.saved::<SlackMessage>().await.len(), 8);
    Ok(())
}
