use nango_core::prelude::*;

#[action(integration = "github")]
async fn hello(nango: NangoAction) -> Result<String> {
    let _config = nango.metadata().await?;
    Ok(String::new())
}

fn main() {}
