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
async fn to_issue(_nango: NangoSync, raw: Issue) -> Result<User> {
    Ok(User { id: raw.id })
}

fn main() {}
