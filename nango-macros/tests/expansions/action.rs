/// Creates an issue in a repository.
#[action(scopes("repo"))]
pub async fn create_issue(nango: NangoAction, input: NewIssue) -> Result<Issue> {
    nango.post("/issues").body(&input).json().await
}

#[on_event(post_connection_creation)]
async fn welcome(nango: NangoAction) -> Result<()> {
    Ok(())
}
