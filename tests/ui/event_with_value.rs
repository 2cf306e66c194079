use nango_core::prelude::*;

#[on_event(validate_connection = true, integration = "github")]
async fn welcome(_nango: NangoAction) -> Result<()> {
    Ok(())
}

fn main() {}
