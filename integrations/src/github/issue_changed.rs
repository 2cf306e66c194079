use nango_core::prelude::*;

use super::{GithubIssue, IssueEvent};

/// Applies the changes in a webhook to the stored issue.
///
/// Only the fields in the webhook change, and only if the webhook is not older than the stored issue.
#[on_webhook(super::repo_issues::repo_issues, "issues.edited", "issues.closed", "issues.reopened", "issues.deleted")]
pub async fn issue_changed(nango: NangoSync, event: IssueEvent) -> Result<()> {
    if event.action == "deleted" {
        nango.batch_delete::<GithubIssue>([event.issue.id]).await?;
    } else {
        nango.batch_update([event.issue]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::{
        super::{ApiIssue, fixtures::issue},
        *,
    };

    async fn records_after_webhook(payload: Value) -> Result<Vec<GithubIssue>> {
        let known: ApiIssue = serde_json::from_value(issue(5, "Old title"))?;
        let mock = Mock::new().record(GithubIssue { body: Some("text".into()), ..known.into() }).await;
        let action = payload["action"].as_str().unwrap_or_default();
        mock.run(issue_changed).webhook(&format!("issues.{action}"), &payload).await?;
        Ok(mock.saved().await)
    }

    #[tokio::test]
    async fn webhook_changes_only_its_fields() -> Result<()> {
        let issues =
            records_after_webhook(json!({ "action": "edited", "issue": { "id": 5, "title": "New title" } })).await?;
        assert_eq!((issues[0].title.as_str(), issues[0].body.as_deref()), ("New title", Some("text")));

        let issues = records_after_webhook(json!({ "action": "edited", "issue": { "id": 5, "body": null } })).await?;
        assert_eq!((issues[0].title.as_str(), issues[0].body.as_deref()), ("Old title", None));
        Ok(())
    }

    #[tokio::test]
    async fn older_event_does_not_overwrite_newer_one() -> Result<()> {
        let event = |title: &str, at: &str| {
            let issue = json!({ "id": 5, "title": title, "updated_at": at });
            json!({ "action": "edited", "issue": issue })
        };
        let known: ApiIssue = serde_json::from_value(issue(5, "Old title"))?;
        let mock = Mock::new().record(GithubIssue::from(known)).await;

        mock.run(issue_changed).webhook("issues.edited", event("Of 2026", "2026-05-01T00:00:00Z")).await?;
        let older = mock.run(issue_changed).webhook("issues.edited", event("Of 2020", "2020-05-01T00:00:00Z")).await?;
        assert_eq!(older.counts::<GithubIssue>().skipped_older, 1);

        let saved = mock.saved::<GithubIssue>().await;
        assert_eq!((saved[0].title.as_str(), saved[0].updated_at.as_str()), ("Of 2026", "2026-05-01T00:00:00Z"));
        Ok(())
    }

    #[tokio::test]
    async fn unknown_issue_is_not_created_by_webhook() -> Result<()> {
        let issues =
            records_after_webhook(json!({ "action": "edited", "issue": { "id": 6, "title": "Another" } })).await?;
        assert_eq!(issues.len(), 1);
        Ok(())
    }

    #[tokio::test]
    async fn deleted_event_deletes_issue() -> Result<()> {
        assert!(records_after_webhook(json!({ "action": "deleted", "issue": { "id": 5 } })).await?.is_empty());
        Ok(())
    }
}
