use nango_core::prelude::*;

#[model]
pub struct Item {
    pub id: u64,
}

#[sync(model = "Item", integration = "shop", endpoint = "/items")]
pub fn items(raw: Vec<Item>) -> Vec<Item> {
    raw
}

fn main() {}
