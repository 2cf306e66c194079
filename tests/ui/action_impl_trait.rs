use nango_core::prelude::*;

#[action(integration = "github")]
async fn create_issue(_nango: NangoAction, _input: impl Into<String>) -> Result<()> {
    Ok(())
}

fn main() {}
