use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
}

#[sync(model = "Issue", integration = "github", error(path = "errors[0].message"))]
async fn issues(nango: NangoSync) -> Result<()> {
    nango.batch_save([Issue { id: 1 }]).await?;
    Ok(())
}

fn main() {}
