use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[model]
pub struct Config {
    pub owner: String,
}

#[sync(model = "Issue", integration = "github", endpoint = "/issues", metadata = Config)]
async fn to_issue(nango: NangoSync, config: &Config, raw: Issue) -> Result<Issue> {
    let _ = (nango, config);
    Ok(raw)
}

fn main() {}
