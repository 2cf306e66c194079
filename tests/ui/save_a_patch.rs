use nango_core::prelude::*;

#[model]
pub struct Item {
    pub id: u64,
    pub name: String,
}

#[patch(of = Item)]
pub struct ItemPatch {
    pub id: u64,
    pub name: Option<String>,
}

#[sync(model = "Item", integration = "shop")]
async fn items(nango: NangoSync) -> Result<()> {
    nango.batch_save([ItemPatch { id: 1, name: None }]).await?;
    Ok(())
}

fn main() {}
