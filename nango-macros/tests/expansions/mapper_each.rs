#[sync(
    model = "Message",
    each = Channel,
    metadata = Team,
    endpoint = "POST /{team}/{each.id}",
    query("channel" = each.id),
    parents_at_once = 8,
    on_parent_error = "skip",
    error(when = "ok", is = false, message = "error", fatal = ["invalid_auth"])
)]
fn messages(channel: &Channel, message: ApiMessage, team: &Team) -> Message {
    message.of(channel, team)
}

#[sync(
    model = "Issue",
    each = metadata.repos,
    metadata = Team,
    endpoint = "/repos/{each.owner}",
    delta(param = "cursor", path = "next", initial("from" = each.created), end = "done")
)]
async fn issues(nango: NangoSync, repo: &Repo, issue: ApiIssue) -> Result<Issue> {
    Ok(issue.of(repo))
}
