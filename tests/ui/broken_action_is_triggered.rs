use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[action(integration = "github", version = "one")]
async fn close_issue(_nango: NangoAction, input: Issue) -> Result<u64> {
    Ok(input.id)
}

#[action(integration = "github")]
async fn caller(nango: NangoAction) -> Result<u64> {
    nango.trigger(close_issue, Issue { id: 1, title: String::new() }).await
}

fn main() {}
