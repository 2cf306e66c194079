//! Two mistakes: what stands first, and that there is a second.
use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github")]
async fn fetch_issues(_page: u32, _nango: nango_core::Nango) -> Result<()> {
    Ok(())
}

fn main() {}
