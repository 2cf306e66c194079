use nango_core::prelude::*;

#[on_event(post_connection_creation, integration = "github")]
async fn welcome(_nango: NangoAction, _input: String) -> Result<()> {
    Ok(())
}

fn main() {}
