use nango_core::prelude::*;

#[model]
pub struct Item {
    pub id: u64,
}

#[sync(model = "Item", integration = "shop")]
#[action(integration = "shop")]
async fn items(_nango: NangoSync) -> Result<()> {
    Ok(())
}

fn main() {}
