use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github")]
async fn all_issues(_nango: NangoSync) -> Result<()> {
    Ok(())
}

#[on_webhook(all_issues, "*")]
fn changed(_nango: NangoSync, _payload: Issue) -> Result<()> {
    Ok(())
}

fn main() {}
