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

#[sync(model = "Item", integration = "shop")]
async fn items(_nango: NangoSync) -> anyhow::Result<()> {
    Ok(())
}

fn main() {}
