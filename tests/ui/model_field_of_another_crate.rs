use nango_core::prelude::*;

#[model]
pub struct Item {
    pub id: u64,
    pub created_at: std::time::Instant,
}

fn main() {}
