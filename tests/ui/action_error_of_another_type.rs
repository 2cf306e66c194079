use nango_core::prelude::*;

mod anyhow {
    #[derive(Debug)]
    pub struct Error;

    pub type Result<T> = std::result::Result<T, Error>;
}

#[model]
pub struct Item {
    pub id: u64,
}

#[action(integration = "shop")]
async fn find(_nango: NangoAction) -> anyhow::Result<Item> {
    Ok(Item { id: 1 })
}

fn main() {}
