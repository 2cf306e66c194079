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

#[sync(models("Order", "Line"), integration = "shop", endpoint = "/orders")]
fn orders(raw: Raw) -> (Order, Vec<Children<Line>>) {
    todo!("{}", raw.id)
}

fn main() {}
