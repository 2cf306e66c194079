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
    metadata = Config, each = metadata.repos, each_variant = "archive", endpoint = "/repos/{each}"
)]
fn messages(repo: &str, raw: Message) -> Message {
    let _ = repo;
    raw
}

fn main() {}
