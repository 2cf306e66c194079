#![deny(unused_must_use)]
use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github")]
async fn fetch_issues(nango: NangoSync) -> Result<()> {
    let issues: Vec<Issue> = nango.get("/issues").json().await?;
    nango.post("/seen");
    nango.batch_save(issues);
    Ok(())
}

fn main() {}
