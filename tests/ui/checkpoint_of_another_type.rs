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

#[checkpoint]
pub struct Other {
    pub page: u32,
}

#[sync(model = "Issue", integration = "github", checkpoint = Place)]
async fn fetch_issues(nango: NangoSync) -> Result<()> {
    nango.save_checkpoint(Other { page: 1 }).await
}

fn main() {}
