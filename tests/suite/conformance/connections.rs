//! Connections: add, replace, metadata, removal, and internal values.

use nango_tests::internal::store::{
    CheckpointWrite, Connection, ConnectionQuery, DatasetKey, EndUser, Filter, MetadataChange, NewConnection,
    Organization, ProfileChange, ReadQuery, RefreshClaim, RefreshEnd, RemovedConnection, ResumeWrite, RowOutcome::*,
    RunStatus, TagsChange,
};
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::support::*;

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { panic!("not an object: {value}") };
    object
}

pub(super) async fn connection_is_added_and_replaced(store: TestStore) {
    assert_eq!(store.connection("github", "acme").await.unwrap(), None);
    let metadata = object(json!({ "owner": "acme", "nested": { "z": 1, "a": 2 } }));
    let new = NewConnection { metadata: Some(metadata.clone()), ..connection("acme") };
    let (first, is_new) = store.put_connection(new.clone()).await.unwrap();
    assert!(is_new);
    assert_eq!((&*first.integration, &*first.id, &*first.auth), ("github", "acme", "NONE"));
    assert_eq!((&*first.credentials, &first.config), (&b"sealed\0"[..], &new.config));
    assert_eq!((&first.metadata, first.created_at), (&metadata, first.updated_at));
    assert_eq!(store.connection("github", "acme").await.unwrap(), Some(first.clone()));

    tick(&store).await;
    let other = NewConnection { auth: "BEARER".to_owned(), credentials: vec![1], ..connection("acme") };
    let (second, is_new) = store.put_connection(other).await.unwrap();
    assert!(!is_new);
    assert_eq!((second.row, second.created_at, &second.metadata), (first.row, first.created_at, &metadata));
    assert_eq!((&*second.auth, &*second.credentials), ("BEARER", &[1][..]));
    assert!(second.updated_at > first.updated_at);
    let emptied = NewConnection { metadata: Some(Map::new()), ..connection("acme") };
    assert_eq!(store.put_connection(emptied).await.unwrap().0.metadata, Map::new());

    store.put_connection(connection("Zeta")).await.unwrap();
    store.put_connection(NewConnection { integration: "gitlab".to_owned(), ..connection("acme") }).await.unwrap();
    let names =
        |all: Vec<Connection>| all.iter().map(|one| format!("{}/{}", one.integration, one.id)).collect::<Vec<_>>();
    let all = names(store.connections(None).await.unwrap());
    assert_eq!(all, ["github/Zeta", "github/acme", "gitlab/acme"]);
    assert_eq!(names(store.connections(Some("gitlab")).await.unwrap()), ["gitlab/acme"]);
    assert_eq!(store.connections(Some("unknown")).await.unwrap(), []);
}

pub(super) async fn metadata_is_replaced_and_merged(store: TestStore) {
    let change = MetadataChange::Replace(Map::new());
    assert_eq!(store.change_metadata("github", "acme", change).await.unwrap(), None);
    let (before, _) = store.put_connection(connection("acme")).await.unwrap();
    tick(&store).await;
    for (change, expect) in [
        (MetadataChange::Merge(object(json!({ "a": 1, "o": { "x": 1 } }))), json!({ "a": 1, "o": { "x": 1 } })),
        (
            MetadataChange::Merge(object(json!({ "o": { "y": 2 }, "b": null }))),
            json!({ "a": 1, "o": { "y": 2 }, "b": null }),
        ),
        (MetadataChange::Replace(object(json!({ "c": [1] }))), json!({ "c": [1] })),
    ] {
        let expect = object(expect);
        assert_eq!(store.change_metadata("github", "acme", change).await.unwrap().as_ref(), Some(&expect));
        let stored = store.connection("github", "acme").await.unwrap().unwrap();
        assert_eq!((&stored.metadata, &stored.credentials), (&expect, &before.credentials));
        assert!(stored.updated_at > before.updated_at);
    }
}

pub(super) async fn metadata_of_several_connections_changes_completely_or_not_at_all(store: TestStore) {
    for id in ["a", "b"] {
        store.put_connection(connection(id)).await.unwrap();
    }
    let change = |ids: &[&str], value: Value| {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        store.change_all_metadata("github", ids, MetadataChange::Merge(object(value)))
    };
    let stored = async |id| store.connection("github", id).await.unwrap().unwrap().metadata;
    assert_eq!(change(&["a", "b", "a"], json!({ "x": 1 })).await.unwrap(), None);
    for missing in ["c", "nul\0"] {
        let refused = change(&["a", missing, "b"], json!({ "x": 2 })).await.unwrap();
        assert_eq!(refused.as_deref(), Some(missing));
    }
    assert_eq!((stored("a").await, stored("b").await), (object(json!({ "x": 1 })), object(json!({ "x": 1 }))));
    assert_eq!(change(&[], json!({ "x": 3 })).await.unwrap(), None);
}

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn end_user(id: &str, name: &str, organization: &str) -> EndUser {
    EndUser {
        id: id.to_owned(),
        display_name: Some(name.to_owned()),
        email: Some(format!("{id}@Example.com")),
        tags: Some(tags(&[("plan", "pro")])),
        organization: Some(Organization { id: organization.to_owned(), display_name: None }),
    }
}

pub(super) async fn profile_is_stored_kept_and_changed(store: TestStore) {
    let change = |change| store.change_profile("github", "acme", change);
    assert_eq!(change(ProfileChange::default()).await.unwrap(), None);
    let profile = ProfileChange {
        end_user: Some(end_user("u1", "Ann", "o1")),
        tags: Some(TagsChange::Replace(tags(&[("a.b/c", "ü 1")]))),
        webhook_url: Some(Some("https://hooks.example/x".to_owned())),
    };
    let (first, _) =
        store.put_connection(NewConnection { profile: profile.clone(), ..connection("acme") }).await.unwrap();
    assert_eq!((&first.profile.end_user, &first.profile.tags), (&profile.end_user, &tags(&[("a.b/c", "ü 1")])));
    assert_eq!(store.connection("github", "acme").await.unwrap(), Some(first.clone()));
    // New credentials keep what is not given.
    let (second, _) = store.put_connection(connection("acme")).await.unwrap();
    assert_eq!(second.profile, first.profile);

    tick(&store).await;
    let merged = ProfileChange {
        tags: Some(TagsChange::Merge(tags(&[("d", "2")]))),
        webhook_url: Some(None),
        ..ProfileChange::default()
    };
    let third = change(merged).await.unwrap().unwrap();
    assert_eq!((&third.profile.tags, &third.profile.webhook_url), (&tags(&[("a.b/c", "ü 1"), ("d", "2")]), &None));
    assert_eq!((&third.profile.end_user, third.version), (&profile.end_user, second.version));
    assert!(third.updated_at > second.updated_at);
    assert_eq!(store.connection("github", "acme").await.unwrap(), Some(third.clone()));
    assert_eq!(change(ProfileChange::default()).await.unwrap(), Some(third));
}

pub(super) async fn connections_are_selected_by_every_filter(store: TestStore) {
    for (integration, id, user, organization, tag) in
        [("github", "Acme", "u1", "o1", "x"), ("github", "beta", "u2", "o1", "y"), ("gitlab", "gamma", "u1", "o2", "x")]
    {
        let profile = ProfileChange {
            end_user: Some(end_user(user, &format!("Name {id}"), organization)),
            tags: Some(TagsChange::Replace(tags(&[("kind", tag), ("all", "1")]))),
            webhook_url: None,
        };
        let new = NewConnection { integration: integration.to_owned(), profile, ..connection(id) };
        store.put_connection(new).await.unwrap();
    }
    store.put_connection(connection("100%_plain")).await.unwrap();
    let all = ConnectionQuery::default;
    let text = |text: &str| Some(text.to_owned());
    for (query, expect) in [
        (all(), "Acme beta gamma 100%_plain"),
        (ConnectionQuery { limit: 2, ..all() }, "Acme beta"),
        (ConnectionQuery { limit: 2, offset: 2, ..all() }, "gamma 100%_plain"),
        (ConnectionQuery { offset: 9, ..all() }, ""),
        (ConnectionQuery { integrations: Some(vec!["gitlab".to_owned(), "none".to_owned()]), ..all() }, "gamma"),
        (ConnectionQuery { integrations: Some(vec![]), ..all() }, ""),
        (ConnectionQuery { id: text("Acme"), ..all() }, "Acme"),
        (ConnectionQuery { id: text("acme"), ..all() }, ""),
        (ConnectionQuery { search: text("ACM"), ..all() }, "Acme"),
        (ConnectionQuery { search: text("name B"), ..all() }, "beta"),
        (ConnectionQuery { search: text("u1@example"), ..all() }, "Acme gamma"),
        // The characters of patterns have no meaning.
        (ConnectionQuery { search: text("%_p"), ..all() }, "100%_plain"),
        (ConnectionQuery { search: text("%"), ..all() }, "100%_plain"),
        (ConnectionQuery { end_user: text("u1"), ..all() }, "Acme gamma"),
        (ConnectionQuery { organization: text("o1"), ..all() }, "Acme beta"),
        (ConnectionQuery { tags: tags(&[("kind", "x")]), ..all() }, "Acme gamma"),
        (ConnectionQuery { tags: tags(&[("kind", "x"), ("all", "1")]), end_user: text("u2"), ..all() }, ""),
        (ConnectionQuery { tags: tags(&[("kind", "X")]), ..all() }, ""),
        (ConnectionQuery { tags: tags(&[("other", "1")]), ..all() }, ""),
        (ConnectionQuery { search: text("\0"), ..all() }, ""),
    ] {
        let found = store.find_connections(query.clone()).await.unwrap();
        let ids: Vec<_> = found.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids.join(" "), expect, "{query:?}");
    }
}

pub(super) async fn removal_deletes_records_and_keeps_sequence(store: TestStore) {
    assert_eq!(store.remove_connection("github", "acme").await.unwrap(), None);
    let (before, _) = store.put_connection(connection("acme")).await.unwrap();
    let sync = TestSync::begin(&store, "issues").await;
    let mut page = sync.page([save(&[("a", 1), ("b", 1), ("c", 1)]), delete(&["c"])]);
    page.checkpoint = Some(CheckpointWrite { value: Some(json!({ "page": 1 })), expected: 0 });
    page.resume = Some(ResumeWrite::Set(vec![1]));
    store.commit(page).await.unwrap();
    let cursor = sync.row("c").await.cursor;
    let key = sync.key.clone();
    let dataset = sync.dataset.clone();
    let other = DatasetKey { connection: "other".to_owned(), ..dataset.clone() };
    let mut page = sync.page([save(&[("x", 1)])]);
    page.changes[0].dataset = other.clone();
    store.commit(page).await.unwrap();
    sync.scan(false).await;
    sync.end().await;

    assert_eq!(store.remove_connection("github", "acme").await.unwrap(), Some(RemovedConnection { records: 3 }));
    assert_eq!(store.remove_connection("github", "acme").await.unwrap(), None);
    assert_eq!(store.connection("github", "acme").await.unwrap(), None);
    assert_eq!(read(&store, &dataset, ReadQuery::default()).await.records, []);
    assert_eq!(store.checkpoint(&key).await.unwrap().version, 0);
    assert_eq!(store.resume_state(&key).await.unwrap(), None);
    let sizes: Vec<_> = store.datasets(None, None).await.unwrap().iter().map(|one| (one.live, one.bytes > 0)).collect();
    assert_eq!(sizes, [(0, false), (1, true)]);
    assert_eq!(read(&store, &other, ReadQuery::default()).await.records.len(), 1);
    // The runs of the removed connection are still listed.
    assert_eq!(store.runs_of(&key, 9).await.unwrap().len(), 1);

    let (after, is_new) = store.put_connection(connection("acme")).await.unwrap();
    assert!(is_new && after.row != before.row);
    let sync = TestSync::begin(&store, "issues").await;
    assert!(!sync.scan(true).await.resumed);
    // The same records are new, and their sequences are after the cursor of the reader.
    assert_eq!(sync.save(&[("a", 1), ("c", 1)]).await, [Added, Added]);
    let query = ReadQuery { cursor: Some(cursor), filter: Filter::default(), ..ReadQuery::default() };
    assert_eq!(ids(&read(&store, &dataset, query).await.records), "a c");
}

pub(super) async fn removal_cancels_active_runs(store: TestStore) {
    store.put_connection(connection("acme")).await.unwrap();
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1)]).await;
    assert!(store.try_lock(&sync.run, "export", MINUTE).await.unwrap());
    store.remove_connection("github", "acme").await.unwrap();
    assert_lease_lost(store.commit(sync.page([save(&[("a", 1)])])).await);
    let run = store.run(sync.run.id).await.unwrap().unwrap();
    assert_eq!(run.status, RunStatus::Cancelled);
    assert!(run.finished_at.is_some());
    assert_eq!(sync.feed().await, []);
    let next = TestSync::begin(&store, "issues").await;
    assert!(store.try_lock(&next.run, "export", MINUTE).await.unwrap());
}

pub(super) async fn configuration_is_sealed_unless_the_credentials_changed(store: TestStore) {
    let (before, _) = store.put_connection(connection("acme")).await.unwrap();
    let config = object(json!({ "site": "a" }));
    let seal = |version| store.seal_config(before.row, version, vec![7], config.clone());
    assert!(!seal(before.version + 1).await.unwrap());
    assert_eq!(store.connection("github", "acme").await.unwrap(), Some(before.clone()));
    let claim = RefreshClaim {
        row: before.row,
        version: before.version,
        holder: uuid::Uuid::now_v7(),
        lease: std::time::Duration::from_mins(1),
    };
    store.claim_refresh(claim).await.unwrap();
    assert!(!seal(before.version).await.unwrap());
    store.end_refresh(claim, RefreshEnd::Abandoned { outcome_unknown: false }).await.unwrap();
    assert!(seal(before.version).await.unwrap());
    let after = store.connection("github", "acme").await.unwrap().unwrap();
    assert_eq!((&after.credentials, &after.config, after.version), (&vec![7], &config, before.version));
}

pub(super) async fn internal_values_are_stored_and_removed(store: TestStore) {
    assert_eq!(store.meta_value("hash_key").await.unwrap(), None);
    for value in [&b"one"[..], b"two\0"] {
        store.put_meta_value("a note", Some(value.to_vec())).await.unwrap();
        assert_eq!(store.meta_value("a note").await.unwrap().as_deref(), Some(value));
    }
    store.put_meta_value("a note", None).await.unwrap();
    store.put_meta_value("another", None).await.unwrap();
    assert_eq!(store.meta_value("a note").await.unwrap(), None);
}
