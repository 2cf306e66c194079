use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[model]
pub struct User {
    pub id: u64,
}

#[sync(model = "Issue", integration = "github")]
async fn all_issues(_nango: NangoSync) -> Result<()> {
    Ok(())
}

#[on_webhook(all_issues, "*")]
async fn changed(nango: NangoSync, _payload: Issue) -> Result<()> {
    nango.batch_save([User { id: 1 }]).await?;
    Ok(())
}

fn main() {}
