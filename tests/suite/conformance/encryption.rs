//! Sealing and reseal passes: readers and saves must not observe them.

use nango_tests::internal::{
    auth::KeyRing,
    store::{
        DatasetStats, EncryptionState, FeedRow, KeyId, Keys, NewConnection, ResealProgress, ResumeWrite, RowOutcome::*,
        SharedStore, StoreError, Write, credentials_context, reseal, resume_context,
    },
};

use super::support::*;

/// Fills a database with records of every state, and returns the keys of its ring.
async fn filled(store: &TestStore) -> (TestSync<'_>, [KeyId; 2]) {
    store.use_keys(store.ring.clone(), false).await.unwrap();
    let sync = TestSync::begin(store, "issues").await;
    let many: Vec<_> = (0..1500).map(|n| doc(&format!("r{n:04}"), n)).collect();
    sync.commit(Write::Save(batch(&many))).await;
    sync.save(&[("kept", 1), ("changed", 1), ("gone", 1), ("patched", 1)]).await;
    sync.save(&[("changed", 2)]).await;
    sync.commit(delete(&["gone"])).await;
    // The key that a patch adds is the last one of the payload; a fully saved record has it in another position.
    sync.commit(patch("patched", serde_json::json!({ "title": "t" }))).await;
    let ids = store.ring.ids();
    (sync, [ids[0], ids[1]])
}

/// Returns everything that readers observe.
async fn seen(sync: &TestSync<'_>) -> (Vec<FeedRow>, Vec<DatasetStats>) {
    (sync.feed().await, sync.store.datasets(None, None).await.unwrap())
}

/// Asserts that saves of the stored content change nothing.
async fn stays_unchanged(sync: &TestSync<'_>) {
    let before = seen(sync).await;
    assert_eq!(sync.save(&[("kept", 1), ("changed", 2), ("r0007", 7)]).await, [Unchanged; 3]);
    assert_eq!(sync.commit(patch("kept", serde_json::json!({ "n": 1 }))).await, [Unchanged]);
    assert!(seen(sync).await == before);
}

/// Asserts that a save of a patched record is unchanged, although the order of its keys differs.
async fn patched_is_the_same(sync: &TestSync<'_>) {
    let whole = Doc { title: Some("t".to_owned()), ..doc("patched", 1) };
    assert_eq!(sync.commit(Write::Save(batch(&[whole]))).await, [Unchanged]);
}

async fn reseal_all(store: &SharedStore) -> ResealProgress {
    let progress = reseal(&**store, |_| true).await.unwrap();
    assert!(progress.done && progress.skipped == 0, "{progress:?}");
    progress
}

fn sealed_with(state: &EncryptionState) -> Vec<Option<KeyId>> {
    state.uses.iter().filter(|used| used.records > 0).map(|used| used.key).collect()
}

pub(super) async fn switch_of_sealing_changes_no_record(store: TestStore) {
    let (sync, [key, _]) = filled(&store).await;
    let before = seen(&sync).await;
    let first = store.encryption().await.unwrap();
    for on in [!first.payloads, first.payloads] {
        store.seal_payloads(on).await.unwrap();
        assert!(store.encryption_settings().await.unwrap().unfinished);
        // Before, during and after the reseal pass.
        assert!(seen(&sync).await == before);
        assert_eq!(sync.save(&[("kept", 1)]).await, [Unchanged]);
        assert!(!reseal(&**store, |_| false).await.unwrap().done);
        assert!(seen(&sync).await == before);
        stays_unchanged(&sync).await;
        reseal_all(&store).await;
        assert!(seen(&sync).await == before);
        stays_unchanged(&sync).await;
        let state = store.encryption().await.unwrap();
        assert_eq!(sealed_with(&state), [on.then_some(key)]);
        assert_eq!((state.payloads, state.unfinished, state.active), (on, false, Some(key)));
        assert_eq!(state.uses[0].records, 1504);
    }
    assert_eq!(store.encryption_settings().await.unwrap().payloads, first.payloads);
    patched_is_the_same(&sync).await;
}

pub(super) async fn key_rotation_changes_no_record(store: TestStore) {
    let (sync, [old, new]) = filled(&store).await;
    store.seal_payloads(true).await.unwrap();
    reseal_all(&store).await;
    let before = seen(&sync).await;
    store.activate_key(new).await.unwrap();
    // New rows have the new key, existing ones the old one; both are readable.
    assert_eq!(sync.save(&[("new", 1)]).await, [Added]);
    let mut both = [Some(old), Some(new)];
    both.sort_unstable();
    assert_eq!(sealed_with(&store.encryption().await.unwrap()), both);
    stays_unchanged(&sync).await;
    assert_eq!(sync.commit(delete(&["new"])).await, [Deleted]);
    let step = reseal(&**store, |_| false).await.unwrap();
    assert!(step.changed > 0 && !step.done);
    stays_unchanged(&sync).await;
    reseal_all(&store).await;
    let state = store.encryption().await.unwrap();
    assert_eq!((sealed_with(&state), state.active, state.unfinished), (vec![Some(new)], Some(new), false));
    stays_unchanged(&sync).await;
    assert!(sync.feed().await[..before.0.len()] == before.0[..]);
    patched_is_the_same(&sync).await;
    assert_eq!(sync.save(&[("kept", 2)]).await, [Updated]);
    // Nothing is left to reseal.
    store.activate_key(new).await.unwrap();
    assert_eq!(reseal_all(&store).await, ResealProgress { done: true, ..ResealProgress::default() });
}

pub(super) async fn missing_key_is_not_activated(store: TestStore) {
    let (sync, _) = filled(&store).await;
    let before = store.encryption().await.unwrap();
    let other = KeyRing::ephemeral().unwrap().ids()[0];
    let error = store.activate_key(other).await.unwrap_err();
    assert!(matches!(error, StoreError::NoKey { needed, .. } if needed == other), "{error}");
    assert_eq!(store.encryption().await.unwrap(), before);
    stays_unchanged(&sync).await;
}

pub(super) async fn sealed_blobs_are_resealed_with_active_key(store: TestStore) {
    let (sync, [old, new]) = filled(&store).await;
    let stale = KeyRing::clone(&store.ring);
    let blob = |key: KeyId, context: &[u8]| {
        stale.activate(key);
        stale.seal(b"hush", context).unwrap()
    };
    let put = async |id: &str, key: KeyId| {
        let credentials = blob(key, &credentials_context("github", id));
        store.put_connection(NewConnection { credentials, ..connection(id) }).await.unwrap();
    };
    let resume = async |key: KeyId| {
        let mut page = sync.page([]);
        page.resume = Some(ResumeWrite::Set(blob(key, &resume_context(&sync.key))));
        store.commit(page).await.unwrap();
    };
    put("early", old).await;
    resume(old).await;
    store.activate_key(new).await.unwrap();
    // Sealed before the activation of the new key, and stored after it.
    put("late", old).await;
    reseal_all(&store).await;
    let blobs = async || {
        let mut keys = Vec::new();
        for id in ["early", "late"] {
            let stored = store.connection("github", id).await.unwrap().unwrap().credentials;
            assert_eq!(*store.ring.open(&stored, &credentials_context("github", id)).unwrap(), b"hush");
            keys.push(store.ring.sealed_with(&stored).unwrap());
        }
        let stored = store.resume_state(&sync.key).await.unwrap().unwrap();
        assert_eq!(*store.ring.open(&stored, &resume_context(&sync.key)).unwrap(), b"hush");
        keys.push(store.ring.sealed_with(&stored).unwrap());
        keys
    };
    assert_eq!(blobs().await, [new; 3]);
    resume(old).await;
    assert_eq!(blobs().await, [new; 3]);
    let used = |state: &EncryptionState| {
        state.uses.iter().map(|used| (used.key, used.credentials, used.resume_states)).collect::<Vec<_>>()
    };
    assert!(used(&store.encryption().await.unwrap()).contains(&(Some(new), 2, 1)));
    assert!(used(&store.encryption().await.unwrap()).iter().all(|(key, ..)| *key != Some(old)));
}
