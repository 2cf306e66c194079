use nango_core::prelude::*;

#[model]
pub struct Issue {
    pub id: u64,
    pub title: String,
}

#[sync(model = "Issue", integration = "github")]
async fn fetch_issues(_nango: NangoSync) {}

fn main() {}
