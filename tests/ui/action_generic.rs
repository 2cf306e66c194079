use nango_core::prelude::*;

#[action(integration = "github")]
async fn create_issue<T>(_nango: NangoAction, _input: T) -> Result<()> {
    Ok(())
}

fn main() {}
