use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[model]
pub struct Label {
    pub id: u64,
}

#[sync(model = "Issue", integration = "github", endpoint = "/issues")]
fn to_issue(raw: Issue) -> Change<Label> {
    Change::Save(Label { id: raw.id })
}

fn main() {}
