//! Mappers whose lists have parents, and mappers that continue at a position of the API.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests report failures by panics")]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, rust_2018_idioms, clippy::pedantic)]
#![allow(clippy::must_use_candidate, reason = "the mappers of an integration are public and are not called")]

/// Functions of the integration `slack`.
pub mod slack {
    use std::collections::BTreeSet;

    use nango_core::prelude::*;

    /// Channel that is a parent of messages.
    #[model]
    pub struct SlackChannel {
        /// Id of the channel.
        pub id: String,
        /// Name of the channel.
        pub name: String,
        /// Owner of the channel.
        pub owner: Owner,
    }

    /// The owner of a channel.
    #[model]
    pub struct Owner {
        /// Login of the owner.
        pub login: String,
    }

    /// Message in a channel or of a repository.
    #[model]
    pub struct SlackMessage {
        /// Id of the message.
        pub id: String,
        /// Id of its parent.
        pub channel: String,
    }

    /// Settings of a connection.
    #[model]
    pub struct Settings {
        /// Name of the workspace.
        pub team: String,
        /// List of the repositories.
        pub repos: Vec<Repo>,
        /// Lists in another object.
        pub more: More,
    }

    /// Lists in an object of the settings.
    #[model]
    pub struct More {
        /// Names, if there are any.
        pub names: Option<BTreeSet<String>>,
    }

    /// Repository in the settings of a connection.
    #[model]
    pub struct Repo {
        /// Account that owns the repository.
        pub owner: String,
        /// Field with the name of a keyword.
        pub r#type: String,
    }

    /// Raw record of the API.
    #[model]
    pub struct Raw {
        /// Timestamp of the message.
        pub ts: String,
    }

    fn message(channel: &str, raw: &Raw) -> SlackMessage {
        SlackMessage { id: format!("{channel}:{}", raw.ts), channel: channel.to_owned() }
    }

    /// Syncs the records that are parents.
    #[sync(model = "SlackChannel", endpoint = "/conversations.list", paginate)]
    pub fn channels(raw: SlackChannel) -> SlackChannel {
        raw
    }

    /// A record of a model is the parent.
    #[sync(
        model = "SlackMessage",
        each = SlackChannel,
        endpoint = "/channels/{each.id}/{each.owner.login}?name={each.name}",
        parents_at_once = 8,
        on_parent_error = "skip",
        error(when = "ok", is = false, message = "error", fatal = ["invalid_auth", "token_revoked"]),
        track_deletes
    )]
    pub fn messages(channel: &SlackChannel, raw: Raw) -> SlackMessage {
        message(&channel.id, &raw)
    }

    /// Query, headers and body use the parent and the metadata.
    #[sync(
        model = "SlackMessage",
        each = "super::slack::SlackChannel",
        each_variant = "eu",
        metadata = Settings,
        endpoint = "POST /{team}/search/{each.id}",
        query("channel" = each.id, "team" = metadata.team),
        headers("X-Name" = each.name),
        body = serde_json::json!({ "channel": each.id, "team": metadata.team })
    )]
    pub async fn search(
        nango: NangoSync,
        channel: &SlackChannel,
        raw: Raw,
        settings: &Settings,
    ) -> Result<Vec<SlackMessage>> {
        nango.log("mapped");
        Ok(vec![message(&channel.id, &raw), message(&settings.team, &raw)])
    }

    /// An element of a list in the metadata is the parent.
    #[sync(
        model = "SlackMessage",
        each = metadata.repos,
        metadata = Settings,
        endpoint = "/repos/{each.owner}/{each.type}/issues",
        on_parent_error = "fail"
    )]
    pub fn issues(repo: &Repo, raw: Raw, settings: &Settings) -> Option<SlackMessage> {
        (repo.owner == settings.team).then(|| message(&repo.owner, &raw))
    }

    /// As before, in an async mapper.
    #[sync(model = "SlackMessage", each = metadata.repos, metadata = Settings, endpoint = "/repos/{each.owner}")]
    pub async fn issues_with_handle(nango: NangoSync, repo: &Repo, raw: Raw) -> Result<SlackMessage> {
        let _ = nango.metadata().await?;
        Ok(message(&repo.owner, &raw))
    }

    /// A text is the parent, in a list that may be absent.
    #[sync(
        model = "SlackMessage",
        each = metadata.more.names,
        metadata = Settings,
        endpoint = "/names/{each}",
        query("again" = each, "size" = each.len())
    )]
    pub fn names(name: &str, raw: Raw) -> SlackMessage {
        message(name, &raw)
    }

    const START: &str = "0";

    /// A position in a parameter.
    #[sync(
        model = "SlackMessage",
        endpoint = "/incremental/tickets",
        delta(
            param = "cursor",
            path = "after_cursor",
            initial("start_time" = START, "team" = metadata.team),
            end = "end_of_stream",
            expired(400, 410)
        ),
        metadata = Settings,
        track_deletes
    )]
    pub fn tickets(raw: Raw) -> Change<SlackMessage> {
        Change::Save(message("", &raw))
    }

    /// A position in a link, for each parent.
    #[sync(
        model = "SlackMessage",
        each = SlackChannel,
        endpoint = "/me/{each.id}/events",
        paginate(link(path = "@odata.nextLink")),
        delta(link = "@odata.deltaLink", initial("from" = each.name))
    )]
    pub fn events(channel: &SlackChannel, raw: Raw) -> SlackMessage {
        message(&channel.id, &raw)
    }
}

use nango_core::{
    __private::{EachScope, Endpoint, Mapper, ParentSource, SyncRun},
    internal::declare::Registry,
};

fn mapper(registry: &Registry, name: &str) -> &'static Mapper {
    match &registry.sync("slack", name).unwrap().run {
        SyncRun::Mapper(mapper) => mapper,
        SyncRun::Function(_) => panic!("{name} is a mapper"),
    }
}

fn endpoint(mapper: &Mapper, scope: &EachScope) -> String {
    match &mapper.endpoint {
        Endpoint::Each(fill, _) => fill(scope).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn main() {
    let registry = Registry::load().unwrap();
    let messages = mapper(&registry, "messages");
    let ParentSource::Model { model, variant: None, decode } = &messages.each.unwrap().parents else { panic!() };
    let parent = decode(br#"{"id":"C/1","name":"a&b","owner":{"login":"o"}}"#).unwrap();
    let scope = EachScope { parent, metadata: None };
    assert_eq!((model.name, endpoint(messages, &scope).as_str()), ("SlackChannel", "/channels/C%2F1/o?name=a%26b"));
    assert!(messages.each.unwrap().metadata.is_none());

    let settings = serde_json::json!({
        "team": "t",
        "repos": [{ "owner": "b", "type": "x" }, { "owner": "a", "type": "y" }, { "owner": "b", "type": "x" }],
        "more": { "names": ["n"] },
    });
    for (name, count, path) in
        [("issues", 2, "/repos/a/y/issues"), ("issues-with-handle", 2, "/repos/a"), ("names", 1, "/names/n")]
    {
        let mapper = mapper(&registry, name);
        let each = mapper.each.unwrap();
        let metadata = (each.metadata.unwrap())(settings.clone()).unwrap();
        let ParentSource::Metadata { list, .. } = &each.parents else { panic!() };
        let parents = list(&metadata).unwrap();
        let scope = EachScope { parent: parents[0].value.clone(), metadata: Some(metadata) };
        assert_eq!((parents.len(), endpoint(mapper, &scope).as_str()), (count, path), "{name}");
    }
    let search = mapper(&registry, "search").each.unwrap();
    let metadata = (search.metadata.unwrap())(settings).unwrap();
    let scope = EachScope { metadata: Some(metadata), ..scope };
    assert_eq!((search.request.body.unwrap())(&scope).unwrap(), br#"{"channel":"C/1","team":"t"}"#);
    assert!(mapper(&registry, "tickets").delta.is_some() && mapper(&registry, "events").delta.is_some());
}
