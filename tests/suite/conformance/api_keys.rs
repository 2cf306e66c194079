//! API keys, and secrets of the instance.

use std::sync::Arc;

use nango_core::Timestamp;
use nango_tests::internal::store::{
    ApiKey, BASE_VARIANT, CopyScope, Keys, NewApiKey, ResealProgress, SharedStore, copy, copy_part, fingerprint,
    reseal, secret_context, sqlite::Sqlite,
};
use uuid::Uuid;

use super::support::*;

/// Returns a key whose hash consists of one byte.
fn key(name: &str, hash: u8) -> NewApiKey {
    NewApiKey {
        id: Uuid::new_v4(),
        name: name.to_owned(),
        hash: [hash; 32],
        scopes: vec!["environment:records:read".to_owned()],
        integrations: None,
        expires_in: None,
    }
}

async fn add(store: &SharedStore, new: NewApiKey) -> ApiKey {
    store.add_api_key(new).await.unwrap().unwrap()
}

fn names(keys: &[ApiKey]) -> Vec<&str> {
    keys.iter().map(|key| &*key.name).collect()
}

pub(super) async fn added_key_is_found_by_its_hash(store: TestStore) {
    assert_eq!(store.api_keys().await.unwrap(), []);
    let before = store.now();
    let new = NewApiKey {
        scopes: vec!["environment:*".to_owned(), "a \"b\"".to_owned()],
        integrations: Some(vec!["github".to_owned(), "jira".to_owned()]),
        expires_in: Some(MINUTE),
        ..key("app é", 1)
    };
    let added = add(&store, new.clone()).await;
    assert_eq!((added.id, &added.name, added.hash), (new.id, &new.name, new.hash));
    assert_eq!((&added.scopes, &added.integrations), (&new.scopes, &new.integrations));
    assert_eq!((added.expires_at, added.revoked_at), (Some(added.created_at + MINUTE), None));
    assert_eq!(added.last_used_at, None);
    tick(&store).await;
    // The clock of this process only estimates that of a server.
    assert!(before < added.created_at + MINUTE && added.created_at < store.now() + MINUTE);
    let other = add(&store, key("other", 2)).await;
    assert_eq!((other.integrations.as_ref(), other.expires_at), (None, None));
    assert_eq!(store.api_key_by_hash([1; 32]).await.unwrap(), Some(added.clone()));
    assert_eq!(store.api_key_by_hash([3; 32]).await.unwrap(), None);
    assert_eq!(store.api_keys().await.unwrap(), [added, other]);
    // A span that reaches beyond the last timestamp does not overflow.
    let endless = add(&store, NewApiKey { expires_in: Some(std::time::Duration::MAX), ..key("endless", 4) }).await;
    assert!(endless.expires_at > Some(Timestamp::from_seconds(1 << 40)));
}

pub(super) async fn name_is_taken_until_its_key_is_revoked(store: TestStore) {
    let first = add(&store, key("app", 1)).await;
    assert_eq!(store.add_api_key(key("app", 2)).await.unwrap(), None);
    assert_eq!(store.api_key_by_hash([2; 32]).await.unwrap(), None);
    tick(&store).await;
    let revoked = store.revoke_api_key(first.id).await.unwrap().unwrap();
    assert!(revoked.revoked_at > Some(first.created_at));
    assert_eq!(ApiKey { revoked_at: None, ..revoked.clone() }, first);
    tick(&store).await;
    let second = add(&store, key("app", 2)).await;
    // A second revocation keeps the time of the first.
    assert_eq!(store.revoke_api_key(first.id).await.unwrap(), Some(revoked.clone()));
    assert_eq!(store.api_key_by_hash([1; 32]).await.unwrap(), Some(revoked));
    assert_eq!(store.api_key_by_hash([2; 32]).await.unwrap(), Some(second));
    assert_eq!(store.revoke_api_key(Uuid::new_v4()).await.unwrap(), None);
}

pub(super) async fn use_of_a_key_is_stored_at_most_once_a_minute(store: TestStore) {
    let used = add(&store, key("used", 1)).await;
    let unused = add(&store, key("unused", 2)).await;
    tick(&store).await;
    store.touch_api_key(used.id).await.unwrap();
    let first = store.api_key_by_hash([1; 32]).await.unwrap().unwrap().last_used_at;
    assert!(first > Some(used.created_at));
    tick(&store).await;
    store.touch_api_key(used.id).await.unwrap();
    store.touch_api_key(Uuid::new_v4()).await.unwrap();
    let keys = store.api_keys().await.unwrap();
    assert_eq!(keys, [ApiKey { last_used_at: first, ..used }, unused]);
}

pub(super) async fn secret_is_added_once_and_replaced(store: TestStore) {
    assert_eq!(store.secret("signing").await.unwrap(), None);
    assert_eq!(store.add_secret("signing", vec![1, 0]).await.unwrap(), [1, 0]);
    // Another process that adds it gets the stored one.
    assert_eq!(store.add_secret("signing", vec![2]).await.unwrap(), [1, 0]);
    assert_eq!(store.secret("signing").await.unwrap(), Some(vec![1, 0]));
    store.replace_secret("signing", vec![3]).await.unwrap();
    store.replace_secret("other", vec![4]).await.unwrap();
    let stored = [store.secret("signing").await.unwrap(), store.secret("other").await.unwrap()];
    assert_eq!(stored, [Some(vec![3]), Some(vec![4])]);
}

pub(super) async fn concurrent_processes_add_one_secret(store: TestStore) {
    let add = |n: u8| {
        let store = SharedStore::clone(&store);
        tokio::spawn(async move { store.add_secret("signing", vec![n]).await })
    };
    let adding: Vec<_> = (0..8).map(add).collect();
    let mut added = Vec::new();
    for added_by_one in adding {
        added.push(added_by_one.await.unwrap().unwrap());
    }
    let stored = store.secret("signing").await.unwrap().unwrap();
    assert_eq!(added, vec![stored; 8]);
}

pub(super) async fn secrets_are_resealed_with_active_key(store: TestStore) {
    store.use_keys(store.ring.clone(), false).await.unwrap();
    let stale = nango_tests::internal::auth::KeyRing::clone(&store.ring);
    let [old, new] = store.ring.ids()[..] else { panic!("a ring of two keys") };
    let sealed = |name: &str| {
        stale.activate(old);
        stale.seal(b"hush", &secret_context(name)).unwrap()
    };
    let opened = async |name: &str| {
        let stored = store.secret(name).await.unwrap().unwrap();
        assert_eq!(*store.ring.open(&stored, &secret_context(name)).unwrap(), b"hush");
        assert!(store.ring.open(&stored, &secret_context("another")).is_err());
        store.ring.sealed_with(&stored).unwrap()
    };
    store.add_secret("early", sealed("early")).await.unwrap();
    store.replace_secret("second", sealed("second")).await.unwrap();
    assert_eq!([opened("early").await, opened("second").await], [old; 2]);
    store.activate_key(new).await.unwrap();
    // Sealed before the activation of the new key, and stored after it.
    store.add_secret("late", sealed("late")).await.unwrap();
    store.replace_secret("second", sealed("second")).await.unwrap();
    assert_eq!([opened("late").await, opened("second").await], [new; 2]);
    let progress = reseal(&**store, |_| true).await.unwrap();
    assert_eq!(progress, ResealProgress { changed: 1, done: true, ..ResealProgress::default() });
    assert_eq!([opened("early").await, opened("second").await, opened("late").await], [new; 3]);
    let uses = store.encryption().await.unwrap().uses;
    assert_eq!(uses.iter().map(|used| (used.key, used.credentials)).collect::<Vec<_>>(), [(Some(new), 3)]);
}

pub(super) async fn keys_and_secrets_survive_copy_and_restart(store: TestStore) {
    let revoked = add(&store, key("app", 1)).await;
    store.revoke_api_key(revoked.id).await.unwrap();
    let limited =
        NewApiKey { integrations: Some(vec!["github".to_owned()]), expires_in: Some(MINUTE), ..key("app", 2) };
    let limited = add(&store, limited).await;
    store.touch_api_key(limited.id).await.unwrap();
    store.add_secret("signing", vec![0, 255]).await.unwrap();
    let keys = store.api_keys().await.unwrap();
    let store = store.reopened().await;
    assert_eq!(store.api_keys().await.unwrap(), keys);

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("copy.db");
    let target: SharedStore = Arc::new(Sqlite::open_target(&path).await.unwrap());
    let summary = copy(&store, &target, |_, _| ()).await.unwrap();
    target.close().await.unwrap();
    assert!([("API keys", 2), ("secrets", 1)].iter().all(|rows| summary.tables.contains(rows)), "{summary:?}");
    let copied: SharedStore = Arc::new(Sqlite::open(&path).await.unwrap());
    assert_eq!(fingerprint(&copied).await.unwrap(), summary);
    assert_eq!(copied.api_keys().await.unwrap(), keys);
    assert_eq!(copied.secret("signing").await.unwrap(), Some(vec![0, 255]));
    assert!(copied.check(false).await.unwrap().is_sound());
}

pub(super) async fn keys_and_secrets_are_copied_into_this_database(store: TestStore) {
    let source: SharedStore = Arc::new(Sqlite::open(":memory:").await.unwrap());
    let added = add(&source, key("app", 1)).await;
    source.add_secret("signing", vec![0, 255]).await.unwrap();
    let copied = copy(&source, &store, |_, _| ()).await.unwrap();
    assert_eq!(fingerprint(&store).await.unwrap(), copied);
    assert_eq!(store.api_keys().await.unwrap(), [added]);
    assert_eq!(store.secret("signing").await.unwrap(), Some(vec![0, 255]));
}

pub(super) async fn copy_of_one_connection_contains_no_keys(store: TestStore) {
    store.put_connection(connection("acme")).await.unwrap();
    add(&store, key("app", 1)).await;
    store.add_secret("signing", vec![1]).await.unwrap();
    let models = Vec::new();
    let scope = CopyScope { integration: "github", connection: "acme", variant: BASE_VARIANT, models, parents: None };
    let part = copy_part(&store, &scope).await.unwrap();
    assert_eq!(names(&part.api_keys().await.unwrap()), [""; 0]);
    assert_eq!(part.secret("signing").await.unwrap(), None);
    assert_eq!(part.connections(None).await.unwrap().len(), 1);
}
