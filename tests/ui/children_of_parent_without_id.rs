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
fn orders(raw: Raw) -> (Order, Children<Line>) {
    let order = Order { id: raw.id };
    let lines = Children::of(&order, []);
    (order, lines)
}

fn main() {}
