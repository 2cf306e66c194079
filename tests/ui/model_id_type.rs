use nango_core::prelude::*;

#[model]
pub struct Repo {
    pub id: Vec<u8>,
}

fn main() {}
