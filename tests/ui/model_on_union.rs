use nango_core::prelude::*;

#[model]
pub union Repo {
    pub id: u64,
}

fn main() {}
