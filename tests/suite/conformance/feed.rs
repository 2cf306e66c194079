//! Feed: cursors, limits, filters, and notification of readers.

use std::time::{Duration, Instant};

use nango_core::Timestamp;
use nango_tests::{
    DatabaseKind,
    internal::store::{FeedPage, Filter, ReadQuery, StoreError},
};

use super::support::*;

fn query(cursor: Option<&str>, limit: u32) -> ReadQuery {
    ReadQuery { cursor: cursor.map(str::to_owned), limit, ..ReadQuery::default() }
}

pub(super) async fn reader_resumes_at_its_cursor(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]).await;
    let first = read(&store, &sync.dataset, query(None, 3)).await;
    assert_eq!(ids(&first.records), "a b c");
    assert_eq!(first.next_cursor.as_ref(), Some(&first.records[2].cursor));
    // A record that changes meanwhile moves to the end and is read again.
    sync.save(&[("a", 2)]).await;
    let second = read(&store, &sync.dataset, query(first.next_cursor.as_deref(), 2)).await;
    assert_eq!((ids(&second.records), second.next_cursor), ("d a".to_owned(), None));
    // At the end of the feed, the cursor of the last record is the position to resume from, and stays valid.
    let end = second.records[1].cursor.clone();
    assert_eq!(read(&store, &sync.dataset, query(Some(&end), 9)).await, FeedPage::default());
    sync.save(&[("d", 2), ("e", 1)]).await;
    assert_eq!(ids(&read(&store, &sync.dataset, query(Some(&end), 9)).await.records), "d e");
    // Reading can resume at the cursor of every record.
    let middle = read(&store, &sync.dataset, query(Some(&first.records[1].cursor), 9)).await;
    assert_eq!(ids(&middle.records), "c a d e");
}

pub(super) async fn read_limit_is_clamped(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let names: Vec<_> = (0..10_001).map(|n| n.to_string()).collect();
    let docs: Vec<_> = names.iter().map(|id| (&**id, 1)).collect();
    sync.save(&docs).await;
    for (limit, expect) in [(0, 1), (1, 1), (10_000, 10_000), (u32::MAX, 10_000)] {
        let page = read(&store, &sync.dataset, query(None, limit)).await;
        assert_eq!((page.records.len(), page.next_cursor.is_some()), (expect, true), "{limit}");
    }
    let exact = read(&store, &sync.dataset, query(Some(&sync.feed().await[0].cursor), 10_000)).await;
    assert_eq!((exact.records.len(), exact.next_cursor), (10_000, None));
}

pub(super) async fn filter_selects_last_actions(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("added", 1), ("updated", 1), ("deleted", 1), ("back", 1)]).await;
    sync.save(&[("updated", 2)]).await;
    sync.commit(delete(&["deleted", "back"])).await;
    sync.save(&[("back", 1)]).await;
    for (added, updated, deleted, expect) in [
        (false, false, false, "added updated -deleted back"),
        (true, false, false, "added back"),
        (false, true, false, "updated"),
        (false, false, true, "-deleted"),
        (true, true, false, "added updated back"),
        (false, true, true, "updated -deleted"),
        (true, false, true, "added -deleted back"),
        (true, true, true, "added updated -deleted back"),
    ] {
        let filter = Filter { added, updated, deleted };
        let page = read(&store, &sync.dataset, ReadQuery { filter, ..ReadQuery::default() }).await;
        assert_eq!(ids(&page.records), expect, "{filter:?}");
        // The same filter, page by page.
        let (mut cursor, mut all) = (None, Vec::new());
        loop {
            let page =
                read(&store, &sync.dataset, ReadQuery { filter, cursor, limit: 1, ..ReadQuery::default() }).await;
            all.extend(page.records);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(ids(&all), expect, "{filter:?}");
    }
}

pub(super) async fn modified_after_is_inclusive(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    for id in ["a", "b", "c", "d", "e"] {
        sync.save(&[(id, 1), (&format!("{id}{id}"), 1)]).await;
        tick(&store).await;
    }
    sync.commit(delete(&["b", "cc"])).await;
    let feed = sync.feed().await;
    assert_eq!(ids(&feed), "a aa bb c d dd e ee -b -cc");
    let [first, third, fourth] = [0, 2, 3].map(|n: usize| feed[n].last_modified_at);
    for time in [Timestamp::UNIX_EPOCH, first, third, fourth.saturating_add_micros(1), Timestamp::MAX] {
        for after in [None, Some(0), Some(4), Some(9)] {
            let cursor = after.map(|after: usize| feed[after].cursor.clone());
            let read_query = ReadQuery { cursor, modified_after: Some(time), ..ReadQuery::default() };
            let start = after.map_or(0, |after| after + 1);
            let expect: Vec<_> = feed[start..].iter().filter(|row| row.last_modified_at >= time).cloned().collect();
            assert_eq!(read(&store, &sync.dataset, read_query).await.records, expect, "{time} {after:?}");
        }
    }
}

pub(super) async fn ids_select_records(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1), ("c", 1)]).await;
    sync.save(&[("a", 2)]).await;
    sync.commit(delete(&["b"])).await;
    let chosen = ["a", "c", "b", "a", "ghost"].map(str::to_owned).to_vec();
    let read_query = ReadQuery { ids: chosen.clone(), limit: 2, ..ReadQuery::default() };
    let first = read(&store, &sync.dataset, read_query.clone()).await;
    assert_eq!(ids(&first.records), "c a");
    let rest = read(&store, &sync.dataset, ReadQuery { cursor: first.next_cursor, ..read_query.clone() }).await;
    assert_eq!((ids(&rest.records), rest.next_cursor), ("-b".to_owned(), None));
    let deleted = Filter { deleted: true, ..Filter::default() };
    let deleted = read(&store, &sync.dataset, ReadQuery { filter: deleted, ..read_query }).await;
    assert_eq!(ids(&deleted.records), "-b");
    let mut found = store.records_by_id(&sync.dataset, chosen).await.unwrap();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(ids(&found), "a -b c");
}

pub(super) async fn page_is_limited_by_bytes(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1), ("c", 1)]).await;
    let size = sync.row("a").await.payload.unwrap().len();
    for (max_bytes, expect) in [(0, 3), (1, 1), (size, 1), (2 * size - 1, 1), (2 * size, 2), (3 * size, 3)] {
        let page = read(&store, &sync.dataset, ReadQuery { max_bytes, ..ReadQuery::default() }).await;
        assert_eq!((page.records.len(), page.next_cursor.is_some()), (expect, expect < 3), "{max_bytes}");
    }
}

pub(super) async fn cursor_of_other_dataset_is_refused(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1)]).await;
    let mut page = sync.page([save(&[("a", 1), ("b", 1), ("c", 1)])]);
    page.changes[0].dataset = dataset("Other");
    store.commit(page).await.unwrap();
    let other = read(&store, &dataset("Other"), query(None, 9)).await.records;
    let other_store = TestStore::open(DatabaseKind::SqliteInMemory).await.unwrap();
    let other_sync = TestSync::begin(&other_store, "issues").await;
    other_sync.save(&[("a", 1)]).await;
    let foreign = other_sync.row("a").await.cursor;
    for text in ["", "x", "not a cursor", &"A".repeat(1000), &other[0].cursor, &foreign] {
        for dataset in [&sync.dataset, &dataset("Unknown")] {
            let refused = store.read(dataset, query(Some(text), 9)).await;
            assert!(matches!(refused, Err(StoreError::Cursor)), "{text}: {refused:?}");
        }
    }
}

pub(super) async fn cursor_survives_emptied_dataset(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1)]).await;
    let cursor = sync.row("b").await.cursor;
    sync.commit(delete(&["a", "b"])).await;
    assert_eq!(ids(&read(&store, &sync.dataset, query(Some(&cursor), 9)).await.records), "-a -b");
    sync.save(&[("c", 1)]).await;
    let cursor = sync.row("b").await.cursor;
    assert_eq!(ids(&read(&store, &sync.dataset, query(Some(&cursor), 9)).await.records), "c");
}

pub(super) async fn feed_of_unknown_dataset_is_empty(store: TestStore) {
    assert_eq!(read(&store, &dataset("Doc"), ReadQuery::default()).await, FeedPage::default());
    let read_query = ReadQuery {
        ids: vec!["a".to_owned()],
        modified_after: Some(Timestamp::from_micros(5)),
        ..ReadQuery::default()
    };
    assert_eq!(read(&store, &dataset("Doc"), read_query).await, FeedPage::default());
    assert_eq!(store.records_by_id(&dataset("Doc"), vec!["a".to_owned()]).await.unwrap(), []);
    assert_eq!(store.datasets(None, None).await.unwrap(), []);
}

pub(super) async fn commit_wakes_waiting_readers(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let started = Instant::now();
    store.wait_for_change(Duration::from_millis(20)).await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(20));
    let waiting = store.wait_for_change(Duration::from_mins(1));
    sync.save(&[("a", 1)]).await;
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
}

pub(super) async fn closed_store_returns_an_error(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1)]).await;
    let late = store.commit(sync.page([save(&[("b", 1)])]));
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(late.await, Err(StoreError::Closed)));
    assert!(matches!(store.read(&sync.dataset, ReadQuery::default()).await, Err(StoreError::Closed)));
    assert!(matches!(store.heartbeat(&sync.run).await, Err(StoreError::Closed)));
}
