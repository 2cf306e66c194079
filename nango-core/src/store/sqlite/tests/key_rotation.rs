//! Tests of key rotation: reseal passes beside writers and readers, their interruption, and what follows the key.

use super::{
    sealed::{SECRET_TEXT, items_by_key, open},
    *,
};
use crate::{
    auth::KeyRing,
    store::{ProfileChange, reseal},
};

#[tokio::test(flavor = "multi_thread")]
async fn key_rotation_runs_beside_writers_and_readers() {
    let (_dir, path) = file();
    let text = keys(2);
    let (first, second) = (ring(&text).ids()[0], ring(&text).ids()[1]);
    let one = Arc::new(open(&path, &text, true).await);
    let run = begin(&*one).await;
    save(&*one, run, 0..3000, &SECRET_TEXT.repeat(30)).await;
    let settled = feed(&*one).await;
    // Two processes: this one rotates, the other writes and reads.
    let two = Arc::new(open(&path, &text, false).await);
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let others = tokio::spawn({
        let (two, stop) = (Arc::clone(&two), Arc::clone(&stop));
        async move {
            let run = begin(&*two).await;
            let (mut rounds, mut cursor, mut replica) = (0, None, std::collections::BTreeMap::new());
            while !stop.load(std::sync::atomic::Ordering::Acquire) || rounds == 0 {
                rounds += 1;
                assert_eq!(save(&*two, run, 0..20, &SECRET_TEXT.repeat(30)).await, [RowOutcome::Unchanged; 20]);
                assert_eq!(save(&*two, run, [5000], &format!("{rounds}")).await.len(), 1);
                read_new(&*two, &mut cursor, &mut replica).await;
            }
            replica
        }
    });
    one.activate_key(second).await.unwrap();
    let done = reseal_all(&*one).await;
    assert_eq!((done.done, done.skipped), (true, 0));
    assert_eq!(items_by_key(&one).await, [(second.to_string(), [3001, 0, 0])]);
    stop.store(true, std::sync::atomic::Ordering::Release);
    let replica = others.await.unwrap();
    let after = feed(&*one).await;
    assert_eq!(after[..3000], settled[..]);
    assert_eq!(replica.len(), 3001);
    assert!(after.iter().all(|row| replica[&row.id] == *row));
    assert_ne!(first, second);
    // The old key is no longer needed.
    let alone = open(&path, text.split_once(',').unwrap().1, false).await;
    assert_eq!(feed(&alone).await, after);
    assert_eq!(save(&alone, run, 0..20, &SECRET_TEXT.repeat(30)).await, [RowOutcome::Unchanged; 20]);
}

#[tokio::test]
async fn interrupted_reseal_pass_resumes() {
    let (_dir, path) = file();
    let text = keys(2);
    let (old, new) = (ring(&text).ids()[0], ring(&text).ids()[1]);
    let store = open(&path, &text, true).await;
    let run = begin(&store).await;
    save(&store, run, 0..3500, SECRET_TEXT).await;
    let before = feed(&store).await;
    store.activate_key(new).await.unwrap();
    let interrupted = reseal(&store, |sum| sum.seen < 2000).await.unwrap();
    assert_eq!((interrupted.done, interrupted.seen, interrupted.changed), (false, 2000, 2000));
    drop(store);

    let store = open(&path, &text, false).await;
    let expect = [old, new].map(|key| (key.to_string(), [if key == old { 1500 } else { 2000 }, 0, 0]));
    let mut expect = expect.to_vec();
    expect.sort();
    assert_eq!(items_by_key(&store).await, expect);
    assert!(store.encryption().await.unwrap().unfinished);
    // Records of both keys can be read and compared meanwhile.
    assert_eq!(feed(&store).await, before);
    assert_eq!(save(&store, run, 1990..2010, SECRET_TEXT).await, [RowOutcome::Unchanged; 20]);
    // A step whose transaction is rolled back does not advance the pass.
    let rolled_back = store.writer.write(|db| {
        super::super::reseal::step(db)?;
        Err::<(), _>(StoreError::Full.into())
    });
    rolled_back.await.unwrap_err();
    let rest = reseal_all(&store).await;
    assert_eq!((rest.done, rest.seen, rest.changed), (true, 1500, 1500));
    assert_eq!(items_by_key(&store).await, [(new.to_string(), [3500, 0, 0])]);
    assert_eq!(reseal_all(&store).await, ResealProgress { done: true, ..ResealProgress::default() });
    assert_eq!(feed(&store).await, before);
}

#[tokio::test]
async fn credentials_and_resume_states_follow_the_key() {
    let (_dir, path) = file();
    let text = keys(2);
    let rings = [ring(&text), ring(&text)];
    let (old, new) = (rings[0].ids()[0], rings[0].ids()[1]);
    let one = Sqlite::open(&path).await.unwrap();
    let two = Sqlite::open(&path).await.unwrap();
    one.use_keys(rings[0].clone(), false).await.unwrap();
    two.use_keys(rings[1].clone(), false).await.unwrap();
    let put = async |store: &Sqlite, ring: &KeyRing, id: &str| {
        let credentials = ring.seal(b"token", &crate::store::credentials_context("github", id)).unwrap();
        let new = NewConnection {
            integration: "github".to_owned(),
            id: id.to_owned(),
            auth: "API_KEY".to_owned(),
            credentials,
            refresh_at: None,
            config: Map::new(),
            metadata: None,
            profile: ProfileChange::default(),
        };
        store.put_connection(new).await
    };
    let resume = async |store: &Sqlite, ring: &KeyRing, run: RunToken| {
        let mut page = page(store, run, [], "");
        let state = ring.seal(b"resume point", &crate::store::resume_context(&key())).unwrap();
        page.resume = Some(crate::store::ResumeWrite::Set(state));
        store.commit(page).await
    };
    let run = begin(&one).await;
    put(&one, &rings[0], "a").await.unwrap();
    resume(&one, &rings[0], run).await.unwrap();
    assert_eq!(items_by_key(&one).await, [(old.to_string(), [0, 1, 1])]);

    one.activate_key(new).await.unwrap();
    // The other process was not notified; a blob that it seals with the old key is sealed again when it is stored.
    assert_eq!(rings[1].id(), Some(old.to_string()));
    put(&two, &rings[1], "b").await.unwrap();
    assert_eq!(rings[1].id(), Some(new.to_string()));
    let mut expect = vec![(old.to_string(), [0, 1, 1]), (new.to_string(), [0, 1, 0])];
    expect.sort();
    assert_eq!(items_by_key(&one).await, expect);
    assert_eq!(reseal_all(&one).await.changed, 2);
    assert_eq!(items_by_key(&one).await, [(new.to_string(), [0, 2, 1])]);
    for id in ["a", "b"] {
        let stored = two.connection("github", id).await.unwrap().unwrap();
        let opened = rings[1].open(&stored.credentials, &crate::store::credentials_context("github", id)).unwrap();
        assert_eq!(*opened, b"token");
    }
    let state = one.resume_state(&key()).await.unwrap().unwrap();
    assert_eq!(*rings[0].open(&state, &crate::store::resume_context(&key())).unwrap(), b"resume point");

    // A process without the new key cannot write.
    let late = ring(text.split_once(',').unwrap().0);
    let three = Sqlite::open(&path).await.unwrap();
    three.use_keys(late.clone(), false).await.unwrap();
    let refused = [put(&three, &late, "c").await.unwrap_err(), resume(&three, &late, run).await.unwrap_err()];
    for error in refused {
        assert!(matches!(&error, StoreError::NoKey { needed, .. } if *needed == new), "{error}");
    }
    assert!(matches!(three.activate_key(new).await, Err(StoreError::NoKey { .. })));
    assert_eq!(items_by_key(&one).await, [(new.to_string(), [0, 2, 1])]);
}
