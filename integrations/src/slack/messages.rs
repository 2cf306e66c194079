use nango_core::prelude::*;

use super::joined_channels::SlackJoinedChannel;

/// A message of a Slack channel.
#[model]
pub struct SlackMessage {
    /// Id of the channel and timestamp of the message, such as `C123-1512085950.000216`.
    pub id: String,
    /// Id of the channel.
    pub channel: String,
    /// Timestamp of the message, its id within the channel.
    pub ts: String,
    /// Id of the user who wrote it; absent for a message of an app.
    pub user: Option<String>,
    /// Text in Slack's format.
    pub text: String,
    /// Timestamp of the first message of its thread.
    pub thread_ts: Option<String>,
}

/// A message as Slack sends it.
#[derive(Deserialize)]
pub struct ApiMessage {
    ts: String,
    user: Option<String>,
    #[serde(default)]
    text: String,
    thread_ts: Option<String>,
}

/// Syncs the messages of the channels that the bot has joined, without the replies in threads.
///
/// A run requests the new messages of each channel, and once a week all of them: a message that was edited or deleted
/// in the meantime has an older timestamp than `oldest`. A channel that the bot has left since is skipped.
#[sync(
    model = "SlackMessage",
    frequency = "every 10 minutes",
    each = SlackJoinedChannel,
    endpoint = "/conversations.history",
    query("channel" = each.id),
    paginate(limit = 200, response_path = "messages", has_more = "has_more"),
    since(param = "oldest", format = "unix", overlap = "5m", full_every = "7d"),
    track_deletes,
    scopes("channels:history", "groups:history")
)]
pub fn messages(channel: &SlackJoinedChannel, message: ApiMessage) -> SlackMessage {
    let ApiMessage { ts, user, text, thread_ts } = message;
    SlackMessage { id: format!("{}-{ts}", channel.id), channel: channel.id.clone(), ts, user, text, thread_ts }
}

#[cfg(test)]
mod replay_messages;

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;
    use crate::slack::joined_channels;

    fn channels(ids: &[&str]) -> Value {
        let channels: Vec<Value> = ids.iter().map(|id| json!({ "id": id, "name": "general" })).collect();
        json!({ "ok": true, "channels": channels, "response_metadata": { "next_cursor": "" } })
    }

    fn page(messages: &[&str], cursor: &str) -> Value {
        let message = |ts: &&str| json!({ "type": "message", "user": "U1", "text": "hello", "ts": ts });
        let messages: Vec<Value> = messages.iter().map(message).collect();
        let metadata = json!({ "next_cursor": cursor });
        json!({ "ok": true, "messages": messages, "has_more": !cursor.is_empty(), "response_metadata": metadata })
    }

    async fn ids(mock: &Mock) -> Vec<String> {
        let mut ids: Vec<String> = mock.saved::<SlackMessage>().await.into_iter().map(|message| message.id).collect();
        ids.sort();
        ids
    }

    #[tokio::test]
    async fn messages_of_each_channel_are_saved_and_a_left_channel_is_skipped() -> Result<()> {
        let history = |channel: &str| format!("/conversations.history?channel={channel}&limit=200");
        let mock = Mock::new()
            .on("GET", "/users.conversations?types=public_channel,private_channel&exclude_archived=true")
            .reply(channels(&["C1", "C2", "C3"]))
            .on("GET", &history("C1"))
            .reply(page(&["3.0", "2.0"], "older"))
            .on("GET", &history("C1"))
            .query("cursor", "older")
            .reply(page(&["1.0"], ""))
            .on("GET", &history("C2"))
            .reply(json!({ "ok": false, "error": "not_in_channel" }))
            .on("GET", &history("C3"))
            .reply(page(&["1.0"], ""));
        mock.run(joined_channels).await?;

        let report = mock.run(messages).await?;

        assert_eq!(report.counts::<SlackMessage>().added, 4);
        assert_eq!(ids(&mock).await, ["C1-1.0", "C1-2.0", "C1-3.0", "C3-1.0"]);
        Ok(())
    }

    #[tokio::test]
    async fn revoked_token_fails_the_run() -> Result<()> {
        let mock = Mock::new()
            .on("GET", "/users.conversations")
            .reply(channels(&["C1", "C2"]))
            .on("GET", "/conversations.history")
            .reply(json!({ "ok": false, "error": "token_revoked" }))
            .always();
        mock.run(joined_channels).await?;

        let error = mock.run(messages).await.unwrap_err();

        assert!(error.to_string().contains("token_revoked"), "{error}");
        Ok(())
    }

    #[tokio::test]
    async fn messages_of_a_channel_that_the_bot_left_are_deleted() -> Result<()> {
        let mock = Mock::new()
            .on("GET", "/users.conversations")
            .reply(channels(&["C1", "C2"]))
            .on("GET", "/users.conversations")
            .reply(channels(&["C1"]))
            .on("GET", "/conversations.history?channel=C1")
            .reply(page(&["1.0"], ""))
            .always()
            .on("GET", "/conversations.history?channel=C2")
            .reply(page(&["1.0"], ""));
        mock.run(joined_channels).await?;
        mock.run(messages).await?;

        mock.run(joined_channels).await?;
        mock.run(messages).full().await?;

        assert_eq!(ids(&mock).await, ["C1-1.0"]);
        Ok(())
    }
}
