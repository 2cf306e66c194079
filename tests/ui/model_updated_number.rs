use nango_core::prelude::*;

#[model(updated = 3)]
pub struct Repo {
    pub id: u64,
    pub updated_at: String,
}

fn main() {}
