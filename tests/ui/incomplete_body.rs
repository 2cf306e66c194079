//! The compiler reports the incomplete call with the type of the handle, so that completion works in editors.
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
