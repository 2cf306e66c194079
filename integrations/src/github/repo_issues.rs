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
mod tests {
    use super::{super::fixtures::issue, *};

    fn map(raw: Value) -> Result<Option<GithubIssue>> {
        Ok(repo_issues(serde_json::from_value(raw)?))
    }

    #[test]
    fn mapper_maps_issue() -> Result<()> {
        let kept = map(issue(1, "First"))?;
        assert_eq!(kept.map(|issue| (issue.author, issue.labels)), Some((Some("octocat".into()), vec!["bug".into()])));
        Ok(())
    }

    #[test]
    fn pull_request_is_skipped() -> Result<()> {
        let mut pull = issue(2, "Second");
        pull["pull_request"] = json!({ "url": "https://api.github.test/pulls/2" });
        assert_eq!(map(pull)?, None);
        Ok(())
    }

    #[test]
    fn missing_author_is_none() -> Result<()> {
        let mut orphan = issue(3, "Third");
        orphan["user"] = Value::Null;
        assert_eq!(map(orphan)?.map(|issue| issue.author), Some(None));
        Ok(())
    }
}
