//! The compiler asks two questions of the type: whether it is a record, and whether the sync declares it.
use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github", endpoint = "/issues")]
fn to_issue(raw: Issue) -> String {
    raw.title
}

fn main() {}
