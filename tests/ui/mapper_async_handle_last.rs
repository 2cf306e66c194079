use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github", endpoint = "/issues")]
async fn to_issue(raw: Issue, nango: NangoSync) -> Result<Issue> {
    let _ = nango;
    Ok(raw)
}

fn main() {}
