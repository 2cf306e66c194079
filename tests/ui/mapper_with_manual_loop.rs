use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github", endpoint = "/issues")]
async fn fetch_issues(nango: NangoSync) -> Result<()> {
    nango.batch_save([Issue { id: 1, title: String::new() }]).await?;
    Ok(())
}

fn main() {}
