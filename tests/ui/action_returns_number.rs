use nango_core::prelude::*;

#[action(integration = "github")]
async fn count(_nango: NangoAction) -> u32 {
    1
}

fn main() {}
