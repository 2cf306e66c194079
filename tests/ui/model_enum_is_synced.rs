use nango_core::prelude::*;

#[model]
pub enum Item {
    Small { id: u64 },
    Large { id: u64 },
}

#[sync(model = "Item", integration = "shop")]
async fn items(_nango: NangoSync) -> Result<()> {
    Ok(())
}

fn main() {}
