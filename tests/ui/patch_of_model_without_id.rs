//! The compiler asks for the key of `Point` once more, where the patch gives its own.
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
