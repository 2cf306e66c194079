#[sync(model = "Issue", endpoint = "/issues", metadata = Team)]
fn plain(issue: ApiIssue, team: &Team) -> Change<Issue> {
    Change::Save(issue.into())
}

#[sync(model = "Issue", endpoint = "/issues", metadata = Team, records_at_once = 8)]
async fn with_handle(nango: NangoSync, issue: ApiIssue, team: &Team) -> Result<Issue> {
    Ok(issue.into())
}
