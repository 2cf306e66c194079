use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github", endpoint = "/issues", error(when = "ok", message = "error"))]
fn to_issue(raw: Issue) -> Issue {
    raw
}

fn main() {}
