//! Checkpoints and resume states: versions, conflicts and reset.

use nango_tests::internal::store::{CheckpointWrite, FunctionKey, ResumeWrite, StoreError, StoredCheckpoint};
use serde_json::{Value, json};

use super::support::*;

async fn write(sync: &TestSync<'_>, value: Option<Value>, expected: i64) -> Result<Option<i64>, StoreError> {
    let mut page = sync.page([]);
    page.checkpoint = Some(CheckpointWrite { value, expected });
    sync.store.commit(page).await.map(|committed| committed.checkpoint_version)
}

pub(super) async fn checkpoint_write_fails_when_version_differs(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    assert_eq!(store.checkpoint(&sync.key).await.unwrap(), StoredCheckpoint::default());
    let value = json!({ "since": "2026-01-01", "n": u64::MAX, "f": 0.1, "flag": null });
    assert_eq!(write(&sync, Some(value.clone()), 0).await.unwrap(), Some(1));
    assert_eq!(store.checkpoint(&sync.key).await.unwrap(), StoredCheckpoint { value: Some(value), version: 1 });
    assert_eq!(write(&sync, None, 1).await.unwrap(), Some(2));
    assert_eq!(store.checkpoint(&sync.key).await.unwrap(), StoredCheckpoint { value: None, version: 2 });
    for expected in [0, 1, 3] {
        let refused = write(&sync, Some(json!({})), expected).await;
        let conflict =
            matches!(refused, Err(StoreError::CheckpointConflict { expected: e, found: 2 }) if e == expected);
        assert!(conflict, "{refused:?}");
    }
    // A write from outside a run succeeds with any version; the run that read the earlier one gets a conflict.
    assert_eq!(store.set_checkpoint(&sync.key, Some(json!({ "n": 1 }))).await.unwrap(), 3);
    assert!(matches!(write(&sync, None, 2).await, Err(StoreError::CheckpointConflict { found: 3, .. })));
    let variant = FunctionKey { variant: "v".to_owned(), ..sync.key.clone() };
    assert_eq!(store.checkpoint(&variant).await.unwrap(), StoredCheckpoint::default());
    assert_eq!(store.set_checkpoint(&variant, None).await.unwrap(), 1);
}

pub(super) async fn resume_state_is_independent_of_checkpoint(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    assert_eq!(store.resume_state(&sync.key).await.unwrap(), None);
    for (write, expect) in [
        (Some(ResumeWrite::Set(vec![0, 255])), Some(vec![0, 255])),
        (None, Some(vec![0, 255])),
        (Some(ResumeWrite::Set(vec![])), Some(vec![])),
        (Some(ResumeWrite::Clear), None),
        (Some(ResumeWrite::Clear), None),
    ] {
        let mut page = sync.page([]);
        page.resume = write;
        store.commit(page).await.unwrap();
        assert_eq!(store.resume_state(&sync.key).await.unwrap(), expect);
    }
    assert_eq!(store.checkpoint(&sync.key).await.unwrap().version, 0);
}

pub(super) async fn reset_drops_checkpoint_and_resume_state(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let other = TestSync::begin(&store, "other").await;
    store.reset(&function("never-ran")).await.unwrap();
    for sync in [&sync, &other] {
        let mut page = sync.page([save(&[("a", 1), ("b", 1)])]);
        page.checkpoint = Some(CheckpointWrite { value: Some(json!({ "page": 1 })), expected: 0 });
        page.resume = Some(ResumeWrite::Set(vec![1]));
        store.commit(page).await.unwrap();
    }
    let scan = sync.scan(false).await;
    store.reset(&sync.key).await.unwrap();
    assert_eq!(store.checkpoint(&sync.key).await.unwrap(), StoredCheckpoint { value: None, version: 2 });
    assert_eq!(store.resume_state(&sync.key).await.unwrap(), None);
    let closed = store.finish_scan(sync.finish(scan, 1, true)).await;
    assert!(matches!(closed, Err(StoreError::ScanClosed(_))), "{closed:?}");
    // The run that read its checkpoint before cannot restore it.
    assert!(matches!(write(&sync, None, 1).await, Err(StoreError::CheckpointConflict { .. })));
    assert_eq!(sync.ids().await, "a b");
    assert_eq!(store.checkpoint(&other.key).await.unwrap().version, 1);
    assert_eq!(store.resume_state(&other.key).await.unwrap(), Some(vec![1]));
}
