use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(models(Issue, crate::Nope), integration = "github")]
async fn fetch_issues(_nango: NangoSync) -> Result<()> {
    Ok(())
}

fn main() {}
