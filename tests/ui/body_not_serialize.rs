use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

pub struct Query;

#[sync(model = "Issue", integration = "github", endpoint = "POST /issues", body = Query)]
fn to_issue(raw: Issue) -> Issue {
    raw
}

fn main() {}
