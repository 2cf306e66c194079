use nango_core::prelude::*;

#[model(name = "Github Repo")]
pub struct Repo {
    pub id: u64,
}

fn main() {}
