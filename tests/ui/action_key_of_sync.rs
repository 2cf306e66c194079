use nango_core::prelude::*;

#[action(integration = "github", frequency = "every hour")]
async fn create_issue(_nango: NangoAction) -> Result<()> {
    Ok(())
}

fn main() {}
