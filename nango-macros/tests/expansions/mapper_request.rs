/// Syncs the issues of a team.
#[sync(
    model = "Issue",
    metadata = Team,
    endpoint = "POST /graphql",
    query("state" = "open", "team" = metadata.team),
    headers("X-Version" = "2"),
    body = json!({ "query": ISSUES, "team": metadata.team })
)]
pub fn team_issues(issue: ApiIssue) -> Issue {
    issue.into()
}
