use nango_core::prelude::*;

#[action(integration = "shop")]
async fn wait(_nango: NangoAction, until: std::time::Instant) -> Result<bool> {
    Ok(until.elapsed().is_zero())
}

fn main() {}
