//! Webhook handlers of a sync in the same module and in another one.

/// Saves an opened issue.
#[on_webhook(issues, "issues.opened", "issues.edited")]
async fn on_issue(nango: NangoSync, payload: IssueEvent) -> Result<()> {
    nango.batch_save([payload.issue]).await
}

#[on_webhook(crate::github::pulls::all_pulls, "*")]
pub async fn on_pull(nango: NangoSync, payload: serde_json::Value) -> Result<()> {
    Ok(())
}
