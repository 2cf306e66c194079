use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

const ISSUES: &str = "/issues";

#[sync(model = "Issue", integration = "github", endpoint = ISSUES, body = json!({ "a": 1 }))]
fn to_issue(raw: Issue) -> Issue {
    raw
}

fn main() {}
