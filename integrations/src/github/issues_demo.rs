use nango_core::prelude::*;

use super::{ApiIssue, GithubIssueDemo};

/// Fetches the issues of the demo repository.
#[sync(model = "GithubIssueDemo", frequency = "every hour")]
pub async fn issues_demo(nango: NangoSync) -> Result<()> {
    let issues: Vec<ApiIssue> =
        nango.get("/repos/NangoHQ/interactive-demo/issues?labels=demo&sort=created&direction=asc").json().await?;

    let issues = issues.into_iter().map(|i| GithubIssueDemo { id: i.id, title: i.title, url: i.html_url });
    nango.batch_save(issues).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::{super::fixtures::issue, *};

    #[tokio::test]
    async fn id_title_and_url_are_saved() -> Result<()> {
        let mock = Mock::new()
            .on("GET", "/repos/NangoHQ/interactive-demo/issues?labels=demo&sort=created&direction=asc")
            .reply(json!([issue(1, "First"), issue(2, "Second")]));

        mock.run(issues_demo).await?;

        let first = GithubIssueDemo { id: 1, title: "First".into(), url: "https://github.test/issues/1".into() };
        assert_eq!(mock.saved::<GithubIssueDemo>().await[0], first);
        Ok(())
    }
}
