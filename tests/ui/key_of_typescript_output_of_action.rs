use nango_core::prelude::*;

#[action(integration = "github", output = u64)]
async fn count(_nango: NangoAction) -> Result<u64> {
    Ok(1)
}

fn main() {}
