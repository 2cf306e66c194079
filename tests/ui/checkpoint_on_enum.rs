use nango_core::prelude::*;

#[checkpoint]
pub enum Place {
    Start,
}

fn main() {}
