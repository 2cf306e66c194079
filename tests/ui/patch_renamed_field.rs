use nango_core::prelude::*;

#[model]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    pub id: u64,
    pub full_name: String,
}

#[patch(of = Issue)]
pub struct Rename {
    pub id: u64,
    pub full_name: Option<String>,
}

fn main() {}
