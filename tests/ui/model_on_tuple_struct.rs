use nango_core::prelude::*;

#[model]
pub struct Repo(u64);

fn main() {}
