use nango_core::prelude::*;

use super::{ApiIssue, GithubIssue, Repository};

/// Syncs the issues of a repository.
///
/// Skips pull requests, which GitHub lists among the issues.
#[sync(
    model = "GithubIssue",
    frequency = "every 30 minutes",
    metadata = Repository,
    endpoint = "/repos/{owner}/{repo}/issues?state=all",
    paginate(link(rel = "next"), limit = 100),
    track_deletes,
    retries = 3,
    scopes("repo")
)]
pub fn repo_issues(issue: ApiIssue) -> Option<GithubIssue> {
    issue.pull_request.is_none().then(|| issue.into())
}

#[cfg(test)]
mod replay_repo_issues;

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::{super::fixtures::issue, *};

    const PATH: &str = "/repos/octo/demo/issues";

    fn mock() -> Mock {
        Mock::new().metadata(json!({ "owner": "octo", "repo": "demo" }))
    }

    #[tokio::test]
    async fn all_pages_are_read_and_missing_issues_deleted() -> Result<()> {
        let mock = mock()
            .on("GET", "/repos/octo/demo/issues?state=all&per_page=100")
            .page("?page=2", json!([issue(1, "First"), issue(2, "Second")]))
            .on("GET", "/repos/octo/demo/issues?page=2")
            .reply(json!([issue(3, "Third")]));
        assert_eq!(mock.run(repo_issues).await?.counts::<GithubIssue>().added, 3);

        let mock = mock.reply(PATH, json!([issue(1, "First"), issue(3, "Changed")]));
        let counts = mock.run(repo_issues).await?.counts::<GithubIssue>();
        assert_eq!((counts.unchanged, counts.updated, counts.deleted), (1, 1, 1));
        assert_eq!(mock.deleted::<GithubIssue>().await, ["2"]);
        Ok(())
    }

    #[tokio::test]
    async fn interrupted_run_resumes_at_the_missing_page() -> Result<()> {
        let mock = mock()
            .page(PATH, "?after=Y3Vyc29y", json!([issue(1, "First")]))
            .on("GET", "/repos/octo/demo/issues?after=Y3Vyc29y")
            .cancel()
            .on("GET", "/repos/octo/demo/issues?after=Y3Vyc29y")
            .reply(json!([issue(2, "Second")]));

        assert!(mock.run(repo_issues).report().await?.is_interrupted());
        assert_eq!(mock.run(repo_issues).await?.counts::<GithubIssue>().added, 1);

        assert_eq!(mock.saved::<GithubIssue>().await.len(), 2);
        Ok(())
    }

    #[tokio::test]
    async fn pull_request_is_skipped_and_missing_author_is_none() -> Result<()> {
        let (mut pull, mut orphan) = (issue(2, "Second"), issue(3, "Third"));
        pull["pull_request"] = json!({ "url": "https://api.github.test/pulls/2" });
        orphan["user"] = Value::Null;
        let mock = mock().reply(PATH, json!([issue(1, "First"), pull, orphan]));

        mock.run(repo_issues).await?;

        let saved = mock.saved::<GithubIssue>().await;
        assert_eq!(
            (saved[0].author.as_deref(), saved[0].labels.as_slice()),
            (Some("octocat"), &["bug".to_owned()][..])
        );
        assert_eq!((saved[1].id, saved[1].author.as_deref()), (3, None));
        Ok(())
    }
}
