use nango_core::prelude::*;

#[action(integration = "github")]
async fn create_issue(_nango: NangoAction, _title: String, _body: String) -> Result<()> {
    Ok(())
}

fn main() {}
