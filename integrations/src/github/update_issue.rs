use nango_core::prelude::*;

use super::{ApiIssue, UpdateIssueInput, UpdateIssueResult};

/// Changes the title, text or state of an issue.
#[action(scopes("repo"))]
pub async fn update_issue(nango: NangoAction, input: UpdateIssueInput) -> Result<UpdateIssueResult> {
    let UpdateIssueInput { owner, repo, number, title, body, state } = input;
    let changes = [("title", title), ("body", body), ("state", state)];
    let changes: std::collections::BTreeMap<_, _> =
        changes.into_iter().filter_map(|(field, value)| Some((field, value?))).collect();
    if changes.is_empty() {
        return Err(ActionError::new("nothing to change: set `title`, `body` or `state`").into());
    }

    let issue: ApiIssue = nango.patch(path!("/repos/{owner}/{repo}/issues/{number}")).body(&changes).json().await?;
    Ok(UpdateIssueResult { url: issue.html_url, state: issue.state })
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::{super::fixtures::issue, *};

    fn input(state: Option<&str>) -> UpdateIssueInput {
        let (owner, repo) = ("octo".into(), "demo".into());
        UpdateIssueInput { owner, repo, number: 3, title: None, body: None, state: state.map(Into::into) }
    }

    #[tokio::test]
    async fn only_given_fields_are_sent() -> Result<()> {
        let mock = Mock::new().on("PATCH", "/repos/octo/demo/issues/3").reply(issue(3, "Third"));

        let updated: UpdateIssueResult = mock.run(update_issue).input(input(Some("open"))).await?.output();

        assert_eq!(updated.state, "open");
        assert_eq!(mock.received_requests()[0].json(), json!({ "state": "open" }));
        Ok(())
    }

    #[tokio::test]
    async fn name_with_separators_is_one_path_segment() -> Result<()> {
        let mock = Mock::new().reply("/repos/octo/r%23/issues/3", issue(3, "Third"));

        update_issue(mock.nango(), UpdateIssueInput { repo: "r#".into(), ..input(Some("open")) }).await?;

        assert_eq!(mock.received_requests()[0].path, "/repos/octo/r%23/issues/3");
        Ok(())
    }

    #[tokio::test]
    async fn empty_change_is_refused_without_request() {
        let mock = Mock::new();

        let error = update_issue(mock.nango(), input(None)).await.unwrap_err();

        let message = "nothing to change: set `title`, `body` or `state`";
        assert_eq!(error.action().map(ActionError::payload), Some(&json!({ "message": message })));
        assert!(mock.received_requests().is_empty());
    }
}
