use nango_core::prelude::*;

#[on_event(post_conection_creation, integration = "github")]
async fn welcome(_nango: NangoAction) -> Result<()> {
    Ok(())
}

fn main() {}
