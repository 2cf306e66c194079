//! The compiler checks two bounds of the type: that it is a record, and that the sync declares it.
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
