use nango_core::prelude::*;

#[model]
pub struct Item {
    pub id: u64,
}

pub struct Items;

impl Items {
    #[action(integration = "shop")]
    async fn find(&self, nango: NangoAction, input: Item) -> Result<Item> {
        nango.get("/items").query("id", input.id).json().await
    }
}

fn main() {}
