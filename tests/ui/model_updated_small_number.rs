use nango_core::prelude::*;

#[model(updated = "updated_at")]
pub struct Repo {
    pub id: u64,
    pub updated_at: Option<u16>,
}

fn main() {}
