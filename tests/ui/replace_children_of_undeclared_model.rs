use nango_core::prelude::*;

#[model]
pub struct Order {
    pub id: u64,
}

#[model]
pub struct Line {
    pub id: u64,
}

#[model]
pub struct Tax {
    pub id: u64,
}

#[derive(Deserialize)]
pub struct Raw {
    id: u64,
}

#[sync(models("Order", "Line"), integration = "shop")]
async fn orders(nango: NangoSync) -> Result<()> {
    let raw: Raw = nango.get("/order").json().await?;
    nango.page().replace_children(&raw.id, [Tax { id: raw.id }]).commit().await?;
    Ok(())
}

fn main() {}
