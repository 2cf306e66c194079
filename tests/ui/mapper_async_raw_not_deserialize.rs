use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

pub struct Raw {
    pub id: u64,
}

#[sync(model = "Issue", integration = "github", endpoint = "/issues")]
async fn to_issue(_nango: NangoSync, raw: Raw) -> Result<Issue> {
    Ok(Issue { id: raw.id, title: String::new() })
}

fn main() {}
