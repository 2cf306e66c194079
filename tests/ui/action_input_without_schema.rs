use nango_core::prelude::*;

pub struct Input {
    pub title: String,
}

#[action(integration = "github")]
async fn create_issue(_nango: NangoAction, input: Input) -> Result<String> {
    Ok(input.title)
}

fn main() {}
