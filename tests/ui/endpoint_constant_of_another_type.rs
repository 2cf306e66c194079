use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

const ISSUES: u32 = 7;

#[sync(model = "Issue", integration = "github", endpoint = ISSUES)]
fn to_issue(raw: Issue) -> Issue {
    raw
}

fn main() {}
