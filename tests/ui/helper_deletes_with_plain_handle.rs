use nango_core::prelude::*;

#[model]
pub struct Item {
    pub id: u64,
}

async fn delete(nango: &Nango) -> Result<()> {
    nango.batch_delete::<Item>([1]).await?;
    Ok(())
}

fn main() {}
