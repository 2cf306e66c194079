use nango_core::prelude::*;

#[model]
pub struct Point {
    pub x: u64,
}

#[sync(model = "Point", integration = "github")]
async fn fetch_issues(_nango: NangoSync) -> Result<()> {
    Ok(())
}

fn main() {}
