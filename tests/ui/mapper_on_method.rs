use nango_core::prelude::*;

#[model]
pub struct Item {
    pub id: u64,
}

pub struct Items;

impl Items {
    #[sync(model = "Item", integration = "shop", endpoint = "/items")]
    fn items(&self, raw: Item) -> Item {
        raw
    }
}

fn main() {}
