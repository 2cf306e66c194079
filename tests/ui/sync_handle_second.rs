//! Two mistakes: the type of the first argument, and the second argument.
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
