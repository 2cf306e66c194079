use nango_core::prelude::*;

#[action(integration = "github")]
async fn create_issue(_nango: NangoSync, _title: String) -> Result<()> {
    Ok(())
}

fn main() {}
