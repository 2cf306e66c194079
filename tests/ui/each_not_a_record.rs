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

pub struct Owner {
    pub id: String,
}

#[sync(model = "Message", integration = "slack", each = Owner, endpoint = "/channels/{each.id}/messages")]
fn messages(owner: &Owner, raw: Message) -> Message {
    let _ = owner;
    raw
}

fn main() {}
