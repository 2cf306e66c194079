use nango_core::prelude::*;

/// A channel of a Slack workspace.
#[model]
pub struct SlackChannel {
    /// Id of the channel, such as `C123`.
    pub id: String,
    /// Name of the channel, without `#`.
    pub name: String,
    /// Whether only members can see it.
    pub is_private: bool,
    /// Whether it is archived.
    pub is_archived: bool,
    /// Number of members of the channel.
    pub members: Option<u64>,
}

/// A channel as Slack sends it.
#[derive(Deserialize)]
pub struct ApiChannel {
    id: String,
    name: String,
    #[serde(default)]
    is_private: bool,
    #[serde(default)]
    is_archived: bool,
    num_members: Option<u64>,
}

/// Syncs the channels of a workspace.
#[sync(
    model = "SlackChannel",
    frequency = "every hour",
    endpoint = "/conversations.list",
    query("types" = "public_channel,private_channel"),
    paginate(limit = 200, response_path = "channels"),
    track_deletes,
    scopes("channels:read", "groups:read")
)]
pub fn channels(channel: ApiChannel) -> SlackChannel {
    let ApiChannel { id, name, is_private, is_archived, num_members } = channel;
    SlackChannel { id, name, is_private, is_archived, members: num_members }
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    #[tokio::test]
    async fn public_and_private_channels_are_requested() -> Result<()> {
        let channel = |id: &str| json!({ "id": id, "name": "general", "is_private": false, "num_members": 4 });
        let page = |id: &str, cursor: &str| {
            let metadata = json!({ "next_cursor": cursor });
            json!({ "ok": true, "channels": [channel(id)], "response_metadata": metadata })
        };
        let first = "/conversations.list?types=public_channel,private_channel&limit=200";
        let mock = Mock::new()
            .on("GET", first)
            .reply(page("C1", "c2"))
            .on("GET", first)
            .query("cursor", "c2")
            .reply(page("C2", ""));

        assert_eq!(mock.run(channels).await?.counts::<SlackChannel>().added, 2);

        assert_eq!(mock.saved::<SlackChannel>().await[0].members, Some(4));
        Ok(())
    }
}
