use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[patch(of = Issue, id = "nubmer")]
pub struct IssuePatch {
    pub number: u64,
    pub title: Option<String>,
}

fn main() {}
