use nango_core::prelude::*;

pub struct Price {
    pub amount: u64,
}

#[model]
pub struct Item {
    pub id: u64,
    pub prices: Option<Vec<Price>>,
}

fn main() {}
