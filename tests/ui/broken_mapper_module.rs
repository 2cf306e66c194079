//! Two mistakes in a mapper; the correct function that imports it causes no further error.
use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

pub mod mappers {
    use nango_core::prelude::*;

    use super::Issue;

    #[sync(model = "Issue", endpoint = "issues", paginate(cursor(name = "after")))]
    pub fn to_issue(raw: Issue) -> Issue {
        raw
    }
}

pub mod github {
    use nango_core::prelude::*;

    use super::{Issue, mappers::to_issue};

    #[sync(model = "Issue")]
    async fn fetch_issues(nango: NangoSync) -> Result<()> {
        let raw: Vec<Issue> = nango.get("/issues").json().await?;
        nango.batch_save(raw.into_iter().map(to_issue)).await?;
        Ok(())
    }
}

fn main() {}
