//! Patches: their merge with the stored record, and saves after them.

use nango_tests::internal::store::{FeedRow, LastAction, RowOutcome::*, Write};
use serde_json::{Value, json};

use super::support::*;

pub(super) async fn patch_merges_nested_objects(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let map = [("o".to_owned(), json!({ "x": 1, "y": { "z": [1, 2] } })), ("k".to_owned(), Value::Null)].into();
    sync.commit(Write::Save(batch(&[Doc { map, title: Some("t".to_owned()), ..doc("a", 1) }]))).await;
    let before = sync.row("a").await;
    tick(&store).await;
    let fields = json!({ "title": null, "map": { "o": { "y": { "z": [3] }, "w": {} } } });
    assert_eq!(sync.commit(patch("a", fields.clone())).await, [Updated]);
    let after = sync.row("a").await;
    let text = br#"{"id":"a","title":null,"n":1,"map":{"k":null,"o":{"x":1,"y":{"z":[3]},"w":{}}}}"#;
    assert_eq!(after.payload.as_deref(), Some(&text[..]));
    assert_eq!((after.last_action, after.first_seen_at), (LastAction::Updated, before.first_seen_at));
    assert!(after.last_modified_at > before.last_modified_at);
    assert_eq!(sync.commit(patch("a", fields)).await, [Unchanged]);
    assert_eq!(sync.commit(patch("a", json!({}))).await, [Unchanged]);
    assert_eq!(sync.row("a").await, after);
}

pub(super) async fn patch_ignores_missing_and_deleted_records(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1)]).await;
    sync.commit(delete(&["a"])).await;
    let before = sync.feed().await;
    assert_eq!(sync.commit(patch("a", json!({ "n": 2 }))).await, [Missing]);
    assert_eq!(sync.commit(patch("ghost", json!({ "n": 2 }))).await, [Missing]);
    assert_eq!(sync.feed().await, before);
}

pub(super) async fn full_save_of_patched_record_is_unchanged(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let map = [("b".to_owned(), json!(1))].into();
    sync.commit(Write::Save(batch(&[Doc { map, last: Some(0.5), ..doc("a", 1) }]))).await;
    // The steps change an existing value, add a field before others, and add a key in the middle of a map.
    let steps = [
        (json!({ "n": 2 }), Doc { n: 2, ..doc("a", 0) }),
        (json!({ "title": "new" }), Doc { n: 2, title: Some("new".to_owned()), ..doc("a", 0) }),
        (json!({ "map": { "a": { "y": 1, "x": 1e21 } } }), Doc { n: 2, title: Some("new".to_owned()), ..doc("a", 0) }),
    ];
    for (i, (fields, expect)) in steps.into_iter().enumerate() {
        assert_eq!(sync.commit(patch("a", fields)).await, [Updated]);
        let before = sync.row("a").await;
        let mut map: std::collections::BTreeMap<_, _> = [("b".to_owned(), json!(1))].into();
        if i == 2 {
            map.insert("a".to_owned(), json!({ "x": 1e21, "y": 1 }));
        }
        let whole = Doc { map, last: Some(0.5), ..expect };
        tick(&store).await;
        for _ in 0..2 {
            assert_eq!(sync.commit(Write::Save(batch(std::slice::from_ref(&whole)))).await, [Unchanged], "{whole:?}");
        }
        let after = sync.row("a").await;
        assert_eq!(FeedRow { payload: before.payload.clone(), ..after.clone() }, before);
        assert_eq!(json_of(&after), serde_json::to_value(&whole).unwrap());
    }
    assert_eq!(sync.commit(patch("a", json!({ "n": 3 }))).await, [Updated]);
    assert_eq!(sync.save(&[("a", 3)]).await, [Updated]);
    assert_eq!(recount(&sync.feed().await), stats(&store).await);
}
