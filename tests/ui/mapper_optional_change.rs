use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github", endpoint = "/issues")]
fn to_issue(raw: Issue) -> Option<Change<Issue>> {
    Some(Change::Save(raw))
}

fn main() {}
