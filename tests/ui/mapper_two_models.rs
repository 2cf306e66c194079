use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[model]
pub struct User {
    pub id: u64,
}

#[sync(models("Issue", "User"), integration = "github", endpoint = "/issues")]
fn to_issue(raw: Issue) -> Issue {
    raw
}

fn main() {}
