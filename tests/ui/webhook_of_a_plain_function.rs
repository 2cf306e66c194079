//! The compiler names the item that the attribute of a sync would have generated.
use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

pub async fn plain() {}

#[on_webhook(plain, "issues.opened")]
async fn changed(_nango: NangoSync, _payload: Issue) -> Result<()> {
    Ok(())
}

fn main() {}
