use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

pub struct Event {
    pub id: u64,
}

#[sync(model = "Issue", integration = "github")]
async fn all_issues(_nango: NangoSync) -> Result<()> {
    Ok(())
}

#[on_webhook(all_issues, "*")]
async fn changed(_nango: NangoSync, _event: Event) -> Result<()> {
    Ok(())
}

fn main() {}
