//! Tests of stored uses of API keys, whose times are set back.

use uuid::Uuid;

use super::*;
use crate::store::{ApiKeys, NewApiKey};

#[tokio::test]
async fn use_after_a_minute_or_after_a_time_in_the_future_is_stored() {
    let store = Sqlite::open(":memory:").await.unwrap();
    let id = Uuid::from_u128(1);
    let new =
        NewApiKey { id, name: "app".into(), hash: [1; 32], scopes: Vec::new(), integrations: None, expires_in: None };
    store.add_api_key(new).await.unwrap();
    for (used, is_stored) in [
        ("last_used_at - 59000000", false),
        ("last_used_at - 60000000", true),
        ("last_used_at + 60000000", true),
        ("NULL", true),
    ] {
        store.touch_api_key(id).await.unwrap();
        let set = format!("UPDATE api_keys SET last_used_at = {used}");
        store.write(move |db| Ok(db.sql.execute_batch(&set)?)).await.unwrap();
        let before = store.api_key_by_hash([1; 32]).await.unwrap().unwrap().last_used_at;
        store.touch_api_key(id).await.unwrap();
        let after = store.api_key_by_hash([1; 32]).await.unwrap().unwrap().last_used_at;
        assert_eq!(after != before, is_stored, "{used}: {before:?}, {after:?}");
    }
}
