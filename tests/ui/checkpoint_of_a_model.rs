use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[model]
pub struct Place {
    pub page: u32,
}

#[sync(model = "Issue", integration = "github", checkpoint = Place)]
async fn fetch_issues(_nango: NangoSync) -> Result<()> {
    Ok(())
}

fn main() {}
