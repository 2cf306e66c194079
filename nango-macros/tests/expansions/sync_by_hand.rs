/// Fetches the issues of a repository.
#[sync(model = "Issue", frequency = "every hour", checkpoint = Position)]
pub async fn issues(nango: NangoSync) -> Result<()> {
    nango.batch_save(Vec::<Issue>::new()).await
}

#[on_webhook(issues, "issues.opened")]
async fn issue_changed(nango: NangoSync, event: IssueEvent) -> Result<()> {
    nango.batch_save([event.issue]).await
}
