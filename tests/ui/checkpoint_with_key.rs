use nango_core::prelude::*;

#[checkpoint(name = "Place")]
pub struct Place {
    pub page: u32,
}

fn main() {}
