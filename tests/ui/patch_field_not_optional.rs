use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[patch(of = Issue)]
pub struct IssuePatch {
    pub id: u64,
    pub title: String,
}

fn main() {}
