//! The compiler checks two facts of the type: that it is data, and that it fits the model's field.
use nango_core::prelude::*;

pub struct Price {
    pub amount: u64,
}

#[patch(nested, of = Item)]
pub struct ItemPatch {
    pub price: Option<Price>,
}

#[model]
pub struct Item {
    pub id: u64,
    pub price: u64,
}

fn main() {}
