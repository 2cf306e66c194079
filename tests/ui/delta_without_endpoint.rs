use nango_core::prelude::*;

#[model]
pub struct Channel {
    pub id: String,
    pub name: String,
}

#[model]
pub struct Message {
    pub id: String,
}

#[sync(model = "Message", integration = "slack", delta(link = "next"))]
async fn messages(nango: NangoSync) -> Result<()> {
    let _ = nango;
    Ok(())
}

fn main() {}
