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

#[sync(model = "Issue", integration = "github", endpoint = "/a", metadata = Config, query("owner" = metadata.ower))]
fn to_issue(raw: Issue) -> Issue {
    raw
}

fn main() {}
