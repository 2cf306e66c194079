use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github", endpoint = "/issues",
    paginate(cursor(name = "after", path = "paging..next")))]
fn to_issue(raw: Issue) -> Issue {
    raw
}

fn main() {}
