use nango_core::prelude::*;

#[on_event(post_connection_creation, integration = "github")]
async fn welcome(_nango: NangoSync) -> Result<()> {
    Ok(())
}

fn main() {}
