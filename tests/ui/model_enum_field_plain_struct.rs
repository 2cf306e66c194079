use nango_core::prelude::*;

pub struct Card {
    pub number: String,
}

#[model]
pub enum Payment {
    Cash,
    Card(Card),
}

fn main() {}
