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

#[sync(model = "Issue", integration = "github")]
async fn fetch_issues(nango: NangoSync) -> Result<()> {
    nango.save_checkpoint(Place { page: 1 }).await
}

fn main() {}
