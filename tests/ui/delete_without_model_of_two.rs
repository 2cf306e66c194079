use nango_core::prelude::*;

#[model]
pub struct Item {
    pub id: u64,
}

#[model]
pub struct Order {
    pub id: u64,
}

#[sync(models("Item", "Order"), integration = "shop")]
async fn items(nango: NangoSync) -> Result<()> {
    nango.batch_delete([1]).await?;
    Ok(())
}

fn main() {}
