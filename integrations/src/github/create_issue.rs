use nango_core::prelude::*;

use super::{CreateIssueInput, CreateIssueResult};

/// Creates an issue in the demo repository.
#[action(scopes("public_repo"))]
pub async fn create_issue(nango: NangoAction, input: CreateIssueInput) -> Result<CreateIssueResult> {
    let created = nango
        .post("/repos/NangoHQ/interactive-demo/issues")
        .body(json!({
            "title": format!("[demo] {}", input.title),
            "body": "The body of the issue.",
            "labels": ["automatic"],
        }))
        .await?;

    // A proxy can also respond with a 2xx status: only 201 with an issue proves that the issue was created.
    match (created.status(), created.data()["html_url"].as_str()) {
        (status @ 201, Some(url)) => Ok(CreateIssueResult { url: url.to_owned(), status }),
        (status, url) => {
            let found = if url.is_some() { "another issue" } else { "no `html_url`" };
            let message =
                format!("no issue was created: expected status 201 with the new issue, got {status} with {found}");
            Err(ActionError::new(message).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    #[tokio::test]
    async fn issue_is_posted_and_url_is_returned() -> Result<()> {
        let mock = Mock::new()
            .on("POST", "/repos/NangoHQ/interactive-demo/issues")
            .body(json!({ "title": "[demo] Hello", "body": "The body of the issue.", "labels": ["automatic"] }))
            .reply_with(201, json!({ "html_url": "https://github.test/issues/9" }));

        let created: CreateIssueResult = mock.run(create_issue).input(json!({ "title": "Hello" })).await?.output();

        assert_eq!(created, CreateIssueResult { url: "https://github.test/issues/9".into(), status: 201 });
        Ok(())
    }

    #[tokio::test]
    async fn response_without_issue_is_an_error() {
        let issue = json!({ "html_url": "https://github.test/issues/1" });
        let cases = [
            (200, json!({}), "200 with no `html_url`"),
            (200, json!([issue]), "200 with no `html_url`"),
            (200, json!("<html>Welcome</html>"), "200 with no `html_url`"),
            (201, Value::Null, "201 with no `html_url`"),
            (201, json!({ "html_url": null }), "201 with no `html_url`"),
            (200, issue, "200 with another issue"),
        ];
        for (status, body, found) in cases {
            let mock = Mock::new().reply_with("/repos/NangoHQ/interactive-demo/issues", status, body);

            let error = create_issue(mock.nango(), CreateIssueInput { title: "x".into() }).await.unwrap_err();

            let expect = format!("no issue was created: expected status 201 with the new issue, got {found}");
            assert_eq!(error.to_string(), expect);
        }
    }

    #[tokio::test]
    async fn github_error_is_an_http_error() {
        let mock = Mock::new().reply_with(
            "/repos/NangoHQ/interactive-demo/issues",
            403,
            json!({ "message": "Resource not accessible" }),
        );

        let error = create_issue(mock.nango(), CreateIssueInput { title: "x".into() }).await.unwrap_err();

        assert_eq!(error.http().map(|http| http.status), Some(403));
    }
}
