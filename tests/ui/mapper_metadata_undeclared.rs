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

#[sync(model = "Issue", integration = "github", endpoint = "/issues")]
fn to_issue(raw: Issue, config: &Config) -> Issue {
    let _ = config;
    raw
}

fn main() {}
