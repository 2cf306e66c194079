use nango_core::prelude::*;

use super::{ApiIssue, GithubIssue, Repository};

/// Syncs the issues of a repository with a hand-written loop.
///
/// Saves the same records as `repo-issues`.
#[sync(model = "GithubIssue", metadata = Repository, scopes("repo"))]
pub async fn repo_issues_by_hand(nango: NangoSync) -> Result<()> {
    let Repository { owner, repo } = nango.metadata().await?;
    let scan = nango.full_scan::<GithubIssue>().await?;

    let issues = nango.get(path!("/repos/{owner}/{repo}/issues?state=all"));
    let mut pages = nango.paginate::<ApiIssue>(issues, Paginate::link("next").limit(100));
    while let Some(page) = pages.next().await? {
        let issues = page.into_iter().filter(|issue| issue.pull_request.is_none()).map(GithubIssue::from);
        nango.batch_save(issues).await?;
    }

    let finished = scan.finish().await?;
    nango.log(format!("{} issues no longer exist at GitHub", finished.deleted));
    Ok(())
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::{super::fixtures::issue, *};

    #[tokio::test]
    async fn all_pages_are_read_and_missing_issues_deleted() -> Result<()> {
        let path = "/repos/octo/demo/issues";
        let mock = Mock::new()
            .metadata(json!({ "owner": "octo", "repo": "demo" }))
            .page(path, "?page=2", json!([issue(1, "First"), issue(2, "Second")]))
            .reply(path, json!([issue(3, "Third")]))
            .reply(path, json!([issue(1, "First"), issue(3, "Third")]));

        mock.run(repo_issues_by_hand).await?;
        let ids = |issues: Vec<GithubIssue>| issues.into_iter().map(|issue| issue.id).collect::<Vec<_>>();
        assert_eq!(ids(mock.saved().await), [1, 2, 3]);

        mock.run(repo_issues_by_hand).await?;
        assert_eq!(ids(mock.saved().await), [1, 3], "the second issue was not in the second walk");
        assert_eq!(mock.deleted::<GithubIssue>().await, ["2"]);
        Ok(())
    }
}
