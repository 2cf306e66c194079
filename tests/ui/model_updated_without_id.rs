use nango_core::prelude::*;

#[model(updated = "updated_at")]
pub struct Repo {
    pub name: String,
    pub updated_at: String,
}

#[sync(model = "Repo", integration = "github")]
async fn fetch_repos(nango: NangoSync) -> Result<()> {
    nango.batch_save([Repo { name: String::new(), updated_at: String::new() }]).await?;
    Ok(())
}

fn main() {}
