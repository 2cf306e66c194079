use nango_core::prelude::*;

#[model]
#[serde(transparent)]
pub struct Item {
    pub id: u64,
}

fn main() {}
