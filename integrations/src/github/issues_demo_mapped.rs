use nango_core::prelude::*;

use super::{ApiIssue, GithubIssueDemo};
use crate::mappers::to_github_issue_demo;

/// Fetches the issues of the demo repository, mapped by a function that several syncs share.
#[sync(model = "GithubIssueDemo", frequency = "every hour")]
pub async fn issues_demo_mapped(nango: NangoSync) -> Result<()> {
    let issues: Vec<ApiIssue> =
        nango.get("/repos/NangoHQ/interactive-demo/issues?labels=demo&sort=created&direction=asc").json().await?;

    nango.batch_save(issues.into_iter().map(to_github_issue_demo)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::{super::fixtures::issue, *};

    #[tokio::test]
    async fn issue_is_mapped_with_shared_function() -> Result<()> {
        let mock = Mock::new().reply("/repos/NangoHQ/interactive-demo/issues", json!([issue(7, "Seventh")]));

        mock.run(issues_demo_mapped).await?;

        assert_eq!(mock.saved::<GithubIssueDemo>().await[0].title, "Seventh");
        Ok(())
    }
}
