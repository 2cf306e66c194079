use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub closed_at: Option<String>,
}

#[patch(of = Issue)]
pub struct IssuePatch {
    pub id: u64,
    pub closed_at: Patch<u64>,
}

fn main() {}
