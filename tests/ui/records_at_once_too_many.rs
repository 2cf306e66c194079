use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github", endpoint = "/issues", records_at_once = 65)]
async fn to_issue(nango: NangoSync, raw: Issue) -> Result<Issue> {
    let _ = nango;
    Ok(raw)
}

fn main() {}
