//! Replays a recorded run of `repo_issues`, without a network.

use nango_core::testing::Replay;

use super::*;

#[tokio::test]
async fn recorded_run_of_repo_issues_has_the_same_result() -> nango_core::Result<()> {
    let replay = Replay::open("tests/recordings/repo-issues.jsonl")?;
    let report = replay.run(repo_issues).await?;
    let counts = report.counts::<GithubIssue>();
    assert_eq!((counts.added, counts.updated, counts.deleted, counts.unchanged), (13, 0, 0, 0));
    assert_eq!(report.end_of_walk(), Some("no_next_page"));
    Ok(())
}
