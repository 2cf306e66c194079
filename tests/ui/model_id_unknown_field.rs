use nango_core::prelude::*;

#[model(id = "nmae")]
pub struct Repo {
    pub name: String,
    pub url: String,
}

#[sync(model = "Repo", integration = "github")]
async fn fetch_repos(nango: NangoSync) -> Result<()> {
    nango.batch_save([Repo { name: String::new(), url: String::new() }]).await?;
    Ok(())
}

fn main() {}
