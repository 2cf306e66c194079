use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github", endpoint = "/issues")]
async fn to_issue(_nango: NangoSync, raw: Issue, _other: Issue) -> Result<Issue> {
    Ok(raw)
}

fn main() {}
