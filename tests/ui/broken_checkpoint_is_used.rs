use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[checkpoint(flat)]
pub struct Place {
    pub page: u32,
}

#[sync(model = "Issue", integration = "github", checkpoint = Place)]
async fn fetch_issues(nango: NangoSync) -> Result<()> {
    let page = nango.checkpoint().await?.map_or(1, |place| place.page);
    nango.save_checkpoint(Place { page }).await
}

fn main() {}
