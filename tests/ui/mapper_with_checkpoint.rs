use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[checkpoint]
pub struct Place {
    pub page: u32,
}

#[sync(model = "Issue", integration = "github", endpoint = "/issues", checkpoint = Place)]
fn to_issue(raw: Issue) -> Issue {
    raw
}

fn main() {}
