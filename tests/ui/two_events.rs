use nango_core::prelude::*;

#[on_event(post_connection_creation, validate_connection, integration = "github")]
async fn welcome(_nango: NangoAction) -> Result<()> {
    Ok(())
}

fn main() {}
