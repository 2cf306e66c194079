use nango_core::prelude::*;

use std::collections::BTreeMap;

#[checkpoint]
pub struct Position {
    pub channels: BTreeMap<String, Vec<String>>,
}

fn main() {}
