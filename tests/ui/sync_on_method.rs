use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

pub struct Issues;

impl Issues {
    #[sync(model = "Issue", integration = "github")]
    async fn fetch(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
