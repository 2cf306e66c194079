use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[patch(of = Issue, nested, id = "title")]
pub struct IssuePatch {
    pub title: Option<String>,
}

fn main() {}
