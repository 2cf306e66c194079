use nango_core::prelude::*;

#[checkpoint]
pub struct Place {
    pub page: u32,
    pub seen: Vec<String>,
}

fn main() {}
