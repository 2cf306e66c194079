use nango_core::prelude::*;

pub struct Output {
    pub title: String,
}

#[action(integration = "github")]
async fn create_issue(_nango: NangoAction) -> Result<Output> {
    Ok(Output { title: String::new() })
}

fn main() {}
