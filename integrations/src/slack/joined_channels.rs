use nango_core::prelude::*;

/// A channel that the bot has joined, which is a parent of messages.
#[model]
pub struct SlackJoinedChannel {
    /// Id of the channel, such as `C123`.
    pub id: String,
    /// Name of the channel, without `#`.
    pub name: String,
}

/// Syncs the channels that the bot has joined: Slack returns the messages of these only.
#[sync(
    model = "SlackJoinedChannel",
    frequency = "every hour",
    endpoint = "/users.conversations",
    query("types" = "public_channel,private_channel", "exclude_archived" = true),
    paginate(limit = 200, response_path = "channels"),
    track_deletes,
    scopes("channels:read", "groups:read")
)]
pub fn joined_channels(channel: SlackJoinedChannel) -> SlackJoinedChannel {
    channel
}
