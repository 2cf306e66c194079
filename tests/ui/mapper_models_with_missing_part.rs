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

#[sync(models("Order", "Line", "Tax"), integration = "shop", endpoint = "/orders")]
fn orders(raw: Raw) -> Result<(Order, Vec<Line>)> {
    todo!("{}", raw.id)
}

fn main() {}
