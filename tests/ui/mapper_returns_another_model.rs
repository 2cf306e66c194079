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

#[sync(model = "Issue", integration = "github", endpoint = "/issues")]
fn to_issue(raw: Issue) -> Option<User> {
    Some(User { id: raw.id })
}

fn main() {}
