use nango_core::prelude::*;

pub struct Plain {
    pub id: u64,
}

#[model]
pub struct Item {
    pub id: u64,
}

#[sync(model = "Item", integration = "shop")]
async fn items(nango: NangoSync) -> Result<()> {
    nango.batch_save(&[Plain { id: 1 }]).await?;
    Ok(())
}

fn main() {}
