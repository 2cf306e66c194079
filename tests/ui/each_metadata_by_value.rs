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

#[model]
pub struct Config {
    pub team: String,
    pub repos: Vec<String>,
}

#[sync(
    model = "Message",
    integration = "slack",
    metadata = Config, each = Channel, endpoint = "/channels/{each.id}/messages"
)]
fn messages(channel: &Channel, raw: Message, config: Config) -> Message {
    let _ = (channel, config);
    raw
}

fn main() {}
