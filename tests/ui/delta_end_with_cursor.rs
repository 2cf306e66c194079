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

#[sync(
    model = "Message",
    integration = "slack",
    endpoint = "/messages",
    paginate(cursor(name = "page", path = "next")),
    delta(param = "cursor", path = "after", end = "done")
)]
fn messages(raw: Message) -> Message {
    raw
}

fn main() {}
