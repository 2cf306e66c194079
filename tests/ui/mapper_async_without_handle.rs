use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github", endpoint = "/issues")]
async fn to_issue(raw: Issue) -> Result<Issue> {
    Ok(raw)
}

fn main() {}
