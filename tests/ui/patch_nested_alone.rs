use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[patch(of = Issue, nested)]
pub struct IssuePatch {
    pub title: Option<String>,
}

#[sync(model = "Issue", integration = "github")]
async fn fetch_issues(nango: NangoSync) -> Result<()> {
    nango.batch_update([IssuePatch { title: None }]).await?;
    Ok(())
}

fn main() {}
