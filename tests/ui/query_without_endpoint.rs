use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github", query("a" = 1))]
async fn issues(nango: NangoSync) -> Result<()> {
    let issues: Vec<Issue> = nango.get("/issues").json().await?;
    nango.batch_save(issues).await?;
    Ok(())
}

fn main() {}
