//! The compiler reports the bound of an async helper three times: at the argument, at the call and at the await.
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

async fn save_user(nango: &NangoSync<impl nango_core::Saves<User>>) -> Result<()> {
    nango.batch_save([User { id: 1 }]).await?;
    Ok(())
}

#[sync(model = "Issue", integration = "github")]
async fn fetch_issues(nango: NangoSync) -> Result<()> {
    save_user(&nango).await
}

fn main() {}
