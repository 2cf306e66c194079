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

#[sync(model = "Message", integration = "slack", each = Channel, endpoint = "/channels/{each.id}/messages")]
async fn messages(nango: NangoSync, channel: &Message, raw: Message) -> Result<Message> {
    let _ = (nango, channel);
    Ok(raw)
}

fn main() {}
