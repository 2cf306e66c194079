//! One mistake in a model; the function that imports it is right, and says nothing.
pub mod models {
    use nango_core::prelude::*;

    #[model(key = "id")]
    pub struct Issue {
        pub id: u64,
    }
}

pub mod github {
    use nango_core::prelude::*;

    use super::models::Issue;

    #[sync(model = "Issue")]
    async fn fetch_issues(nango: NangoSync) -> Result<()> {
        nango.batch_save([Issue { id: 1 }]).await?;
        Ok(())
    }
}

fn main() {}
