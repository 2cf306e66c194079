use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

pub struct Config {
    pub owner: String,
}

#[sync(model = "Issue", integration = "github", metadata = Config)]
async fn fetch_issues(_nango: NangoSync) -> Result<()> {
    Ok(())
}

fn main() {}
