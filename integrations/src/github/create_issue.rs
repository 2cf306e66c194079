use nango_core::prelude::*;

use super::{CreateIssueInput, CreateIssueResult};

/// Creates an issue in the demo repository.
#[action(scopes("public_repo"))]
pub async fn create_issue(nango: NangoAction, input: CreateIssueInput) -> Result<CreateIssueResult> {
    let created = nango
        .post("/repos/NangoHQ/interactive-demo/issues")
        .body(&json!({
            "title": format!("[demo] {}", input.title),
            "body": "The body of the issue.",
            "labels": ["automatic"],
        }))
        .await?;

    let url = created.data()["html_url"].as_str().unwrap_or_default().to_owned();
    Ok(CreateIssueResult { url, status: created.status() })
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    #[tokio::test]
    async fn posts_the_issue_and_answers_its_address() -> Result<()> {
        let mock = Mock::new().reply_with(
            "/repos/NangoHQ/interactive-demo/issues",
            201,
            json!({ "html_url": "https://github.test/issues/9" }),
        );

        let created = create_issue(mock.nango(), CreateIssueInput { title: "Hello".into() }).await?;

        assert_eq!(created, CreateIssueResult { url: "https://github.test/issues/9".into(), status: 201 });
        let sent = &mock.requests()[0];
        assert_eq!(sent.method, "POST");
        assert_eq!(
            sent.json(),
            json!({ "title": "[demo] Hello", "body": "The body of the issue.", "labels": ["automatic"] })
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_refusal_of_github_is_an_http_error() {
        let mock = Mock::new().reply_with(
            "/repos/NangoHQ/interactive-demo/issues",
            403,
            json!({ "message": "Resource not accessible" }),
        );

        let error = create_issue(mock.nango(), CreateIssueInput { title: "x".into() }).await.unwrap_err();

        assert_eq!(error.http().map(|http| http.status), Some(403));
    }
}
