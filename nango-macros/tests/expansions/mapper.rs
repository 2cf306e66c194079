/// Syncs the issues of a repository.
#[sync(
    model = "Issue",
    endpoint = "/repos/{owner}/{repo}/issues",
    metadata = Repository,
    paginate(link(rel = "next"), limit = 100),
    track_deletes,
    since(param = "since", full_every = "7d")
)]
pub fn repo_issues(issue: ApiIssue) -> Option<Issue> {
    Some(issue.into())
}
