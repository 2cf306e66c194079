use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github")]
async fn fetch_issues(nango: NangoSync) -> Result<()> {
    let count = std::rc::Rc::new(1);
    let _: Value = nango.get("/issues").json().await?;
    drop(count);
    Ok(())
}

fn main() {}
