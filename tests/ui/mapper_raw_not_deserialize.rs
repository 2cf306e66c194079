use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

pub struct Raw {
    pub id: u64,
}

#[sync(model = "Issue", integration = "github", endpoint = "/issues")]
fn to_issue(raw: Raw) -> Issue {
    Issue { id: raw.id, title: String::new() }
}

fn main() {}
