use nango_core::prelude::*;

#[model(updated = "updated_at")]
pub struct Repo {
    pub id: u64,
    pub updated_at: String,
}

#[sync(model = "Repo", integration = "github")]
async fn fetch_repos(nango: NangoSync) -> Result<()> {
    nango.batch_delete::<Repo>([(1, true)]).await?;
    Ok(())
}

fn main() {}
