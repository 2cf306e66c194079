//! The compiler reports the dot, and the type of what stands before it: the handle is known while one types.
use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github")]
async fn fetch_issues(nango: NangoSync) -> Result<()> {
    nango.
}

fn main() {}
