use nango_core::prelude::*;

#[model]
pub struct Item {
    pub id: u64,
}

#[sync(model = "Item", integration = "shop")]
async fn items(nango: NangoSync) -> Result<()> {
    nango.batch_save(Item { id: 1 }).await?;
    Ok(())
}

fn main() {}
