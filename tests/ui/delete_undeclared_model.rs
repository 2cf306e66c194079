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
async fn fetch_issues(nango: NangoSync) -> Result<()> {
    nango.batch_delete::<User>([1_u64]).await?;
    Ok(())
}

fn main() {}
