use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[action(integration = "github")]
async fn count(_nango: NangoAction) -> Result<u64> {
    Ok(1)
}

#[on_webhook(count, "issues.opened")]
async fn changed(_nango: NangoSync, _payload: Issue) -> Result<()> {
    Ok(())
}

fn main() {}
