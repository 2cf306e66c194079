//! One mistake in a model; the correct function that imports it causes no further error.
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
