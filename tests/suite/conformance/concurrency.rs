//! Concurrency: readers of a feed with concurrent writers skip no record, and no operation fails.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use nango_core::Timestamp;
use nango_tests::internal::store::{FeedRow, ReadQuery, SharedStore};
use serde_json::json;

use super::support::*;

const WRITERS: u64 = 6;
const READERS: u32 = 4;
const PAGES: u64 = 40;

type ReplicaRows = BTreeMap<String, (Option<bytes::Bytes>, Option<Timestamp>)>;

fn apply_row(replica: &mut ReplicaRows, row: FeedRow) {
    replica.insert(row.id, (row.payload, row.deleted_at));
}

/// Executes runs that save, change, patch and delete records that other writers change too.
async fn write(store: SharedStore, w: u64) {
    let mut sync = TestSync::begin(&store, &format!("writer-{w}")).await;
    for n in 0..PAGES {
        let shared = |k: u64| format!("shared-{}", (n * 7 + k * 5 + w) % 23);
        let own = format!("{w}-{}", n % 9);
        sync.save(&[(&shared(0), w * 1000 + n), (&own, n), (&shared(1), n)]).await;
        match n % 4 {
            0 => drop(sync.commit(delete(&[&shared(2), &own])).await),
            1 => drop(sync.commit(patch(&shared(3), json!({ "n": n, "title": "p" }))).await),
            2 => {
                let mut late = sync.page([save(&[(&shared(4), n)])]);
                late.requested_at -= Duration::from_millis(2);
                store.commit(late).await.unwrap();
            }
            _ => {}
        }
        if n % 13 == 12 {
            sync.end().await;
            sync = TestSync::begin(&store, &format!("writer-{w}")).await;
        }
    }
    sync.end().await;
}

/// Polls with a cursor until the writers are done and no change is left.
async fn follow(store: SharedStore, limit: u32, writing: Arc<AtomicUsize>) -> ReplicaRows {
    let (mut replica, mut cursor) = (ReplicaRows::new(), None);
    loop {
        // Loaded before the page is read: everything that is committed by then is in this page or a later one.
        let done = writing.load(Ordering::SeqCst) == 0;
        let page =
            read(&store, &dataset("Doc"), ReadQuery { cursor: cursor.clone(), limit, ..ReadQuery::default() }).await;
        let more = page.next_cursor.is_some();
        for row in page.records {
            cursor = Some(row.cursor.clone());
            apply_row(&mut replica, row);
        }
        if done && !more {
            return replica;
        }
        if !more {
            store.wait_for_change(Duration::from_millis(5)).await.unwrap();
        }
    }
}

pub(super) async fn readers_skip_no_record_of_concurrent_writers(store: TestStore) {
    let writing = Arc::new(AtomicUsize::new(usize::try_from(WRITERS).unwrap()));
    let readers: Vec<_> =
        (0..READERS).map(|n| tokio::spawn(follow(store.clone(), 1 + n * 4, Arc::clone(&writing)))).collect();
    let writers = (0..WRITERS).map(|w| {
        let (store, writing) = (store.clone(), Arc::clone(&writing));
        tokio::spawn(async move {
            write(store, w).await;
            writing.fetch_sub(1, Ordering::SeqCst);
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let mut expect = ReplicaRows::new();
    for row in read(&store, &dataset("Doc"), ReadQuery { limit: 10_000, ..ReadQuery::default() }).await.records {
        apply_row(&mut expect, row);
    }
    assert!(expect.len() > 40);
    for reader in readers {
        assert_eq!(reader.await.unwrap(), expect);
    }
}
