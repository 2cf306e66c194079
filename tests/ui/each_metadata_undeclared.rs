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

#[sync(model = "Message", integration = "slack", each = metadata.repos, endpoint = "/repos/{each}")]
fn messages(repo: &str, raw: Message) -> Message {
    let _ = repo;
    raw
}

fn main() {}
