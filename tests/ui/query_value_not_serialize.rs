use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

pub enum State {
    Open,
}

#[sync(model = "Issue", integration = "github", endpoint = "/issues", query("state" = State::Open))]
fn to_issue(raw: Issue) -> Issue {
    raw
}

fn main() {}
