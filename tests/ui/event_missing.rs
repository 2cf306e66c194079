use nango_core::prelude::*;

#[on_event(integration = "github")]
async fn welcome(_nango: NangoAction) -> Result<()> {
    Ok(())
}

fn main() {}
