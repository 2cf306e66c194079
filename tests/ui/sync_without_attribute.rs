use nango_core::prelude::*;

async fn fetch_issues(_nango: NangoSync) -> Result<()> {
    Ok(())
}

fn main() {}
