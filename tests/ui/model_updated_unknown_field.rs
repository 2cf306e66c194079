use nango_core::prelude::*;

#[model(updated = "updatedAt")]
#[serde(rename_all = "camelCase")]
pub struct Repo {
    pub id: u64,
    pub updated_at: String,
}

#[sync(model = "Repo", integration = "github")]
async fn fetch_repos(nango: NangoSync) -> Result<()> {
    nango.batch_save([Repo { id: 1, updated_at: String::new() }]).await?;
    Ok(())
}

fn main() {}
