use nango_core::prelude::*;

pub struct Plain {
    pub id: u64,
}

#[sync(model = "Plain", integration = "github")]
async fn fetch_issues(_nango: NangoSync) -> Result<()> {
    Ok(())
}

fn main() {}
