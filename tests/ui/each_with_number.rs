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

#[sync(model = "Message", integration = "slack", each = 3, endpoint = "/channels/{each.id}/messages")]
fn messages(channel: &Channel, raw: Message) -> Message {
    let _ = channel;
    raw
}

fn main() {}
