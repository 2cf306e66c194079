use nango_core::prelude::*;

#[model]
pub struct Item {
    pub id: u64,
}

#[sync(model = "Item", integration = "shop")]
async fn items(_nango: NangoSync) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Ok(())
}

fn main() {}
