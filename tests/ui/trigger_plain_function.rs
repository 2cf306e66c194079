use nango_core::prelude::*;

async fn plain(number: u64) -> Result<u64> {
    Ok(number)
}

#[action(integration = "github")]
async fn caller(nango: NangoAction) -> Result<u64> {
    nango.trigger(plain, 1).await
}

fn main() {}
