use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[checkpoint]
pub struct Place {
    pub page: u32,
}

#[sync(model = "Issue", integration = "github", chekpoint = Place)]
async fn fetch_issues(nango: NangoSync) -> Result<()> {
    let _place = nango.checkpoint().await?;
    Ok(())
}

fn main() {}
