use nango_core::prelude::*;

#[model(name = "A", name = "B")]
pub struct Repo {
    pub id: u64,
}

fn main() {}
