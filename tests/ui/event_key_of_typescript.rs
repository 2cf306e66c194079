use nango_core::prelude::*;

#[on_event(event = "post-connection-creation", integration = "github")]
async fn welcome(_nango: NangoAction) -> Result<()> {
    Ok(())
}

fn main() {}
