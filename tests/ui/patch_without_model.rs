use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[patch(id = "id")]
pub struct IssuePatch {
    pub id: u64,
    pub title: Option<String>,
}

fn main() {}
