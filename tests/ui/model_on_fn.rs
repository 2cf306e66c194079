use nango_core::prelude::*;

#[model]
pub fn repo() {}

fn main() {}
