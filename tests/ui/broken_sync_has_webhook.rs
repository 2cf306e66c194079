use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github", frequency = "hourly")]
async fn all_issues(_nango: NangoSync) -> Result<()> {
    Ok(())
}

#[on_webhook(all_issues, "*")]
async fn changed(nango: NangoSync, payload: Issue) -> Result<()> {
    nango.batch_save([payload]).await?;
    Ok(())
}

fn main() {}
