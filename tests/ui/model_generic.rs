use nango_core::prelude::*;

#[model]
pub struct Repo<T> {
    pub id: u64,
    pub owner: T,
}

fn main() {}
