//! The compiler reports the missing key of `Point` a second time, for the key of the patch.
use nango_core::prelude::*;

#[model]
pub struct Point {
    pub x: u64,
}

#[patch(of = Point)]
pub struct IssuePatch {
    pub id: u64,
    pub x: Option<u64>,
}

fn main() {}
