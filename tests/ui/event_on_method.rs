use nango_core::prelude::*;

pub struct Items;

impl Items {
    #[on_event(post_connection_creation, integration = "shop")]
    async fn created(self, nango: NangoAction) -> Result<()> {
        nango.get("/items").await?;
        Ok(())
    }
}

fn main() {}
