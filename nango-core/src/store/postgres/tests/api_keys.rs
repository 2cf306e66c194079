//! Tests of stored uses of API keys, whose times are set back, and of concurrent additions.

use uuid::Uuid;

use super::*;
use crate::store::{ApiKeys, NewApiKey};

fn key(id: u128) -> NewApiKey {
    NewApiKey {
        id: Uuid::from_u128(id),
        name: "app".into(),
        hash: [u8::try_from(id).unwrap(); 32],
        scopes: Vec::new(),
        integrations: None,
        expires_in: None,
    }
}

#[tokio::test]
async fn use_after_a_minute_or_after_a_time_in_the_future_is_stored() {
    let Some(database) = database() else { return };
    let store = Postgres::open(&database.url).await.unwrap();
    let id = store.add_api_key(key(1)).await.unwrap().unwrap().id;
    for (used, is_stored) in [
        ("last_used_at - 55000000", false),
        ("last_used_at - 60000000", true),
        ("last_used_at + 60000000", true),
        ("NULL", true),
    ] {
        store.touch_api_key(id).await.unwrap();
        database.sql(&format!("UPDATE nango_rs.api_keys SET last_used_at = {used}"));
        let before = store.api_key_by_hash([1; 32]).await.unwrap().unwrap().last_used_at;
        store.touch_api_key(id).await.unwrap();
        let after = store.api_key_by_hash([1; 32]).await.unwrap().unwrap().last_used_at;
        assert_eq!(after != before, is_stored, "{used}: {before:?}, {after:?}");
    }
}

#[tokio::test]
async fn one_of_concurrent_keys_gets_the_name() {
    let Some(database) = database() else { return };
    let store = Postgres::open(&database.url).await.unwrap();
    let added = futures_util::future::join_all((1..9).map(|id| store.add_api_key(key(id)))).await;
    assert_eq!(added.into_iter().filter_map(Result::unwrap).count(), 1);
    assert_eq!(store.api_keys().await.unwrap().len(), 1);
}
