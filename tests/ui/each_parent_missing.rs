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
fn messages(raw: Message) -> Message {
    raw
}

fn main() {}
