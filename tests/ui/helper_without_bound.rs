use nango_core::prelude::*;

#[model]
pub struct Item {
    pub id: u64,
}

async fn save<S>(nango: &NangoSync<S>) -> Result<()> {
    nango.batch_save([Item { id: 1 }]).await?;
    Ok(())
}

fn main() {}
