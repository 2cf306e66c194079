//! Readers that follow their cursors, and single queries with all parameters.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use nango_core::Timestamp;
use nango_tests::internal::store::{DatasetKey, FeedPage, FeedRow, Filter, LastAction, ReadQuery, SharedStore};
use nango_tests::rng::Rng;

use super::random_ids;
use crate::conformance::support::{Doc, read};

/// A record as a reader stores it: its content, unless it had been pruned when it was read, and whether it is active.
pub(super) type ReplicaRow = (Option<Doc>, bool);

/// The replica of a reader that only follows its cursor.
#[derive(Default)]
pub(super) struct Replica {
    pub(super) rows: BTreeMap<String, ReplicaRow>,
    cursor: Option<String>,
}

impl Replica {
    /// Reads some pages of random sizes. Returns whether the end of the feed was reached.
    pub(super) async fn follow(
        &mut self,
        store: &SharedStore,
        dataset: &DatasetKey,
        rng: &mut Rng,
        pages: u64,
    ) -> bool {
        for _ in 0..pages {
            let limit = u32::try_from(1 + rng.below(9)).unwrap();
            let max_bytes = if rng.one_in(3) { rng.index(300) } else { 0 };
            let query = ReadQuery { cursor: self.cursor.clone(), limit, max_bytes, ..ReadQuery::default() };
            let page = read(store, dataset, query).await;
            for row in page.records {
                self.rows.insert(row.id.clone(), replica_row(&row));
                self.cursor = Some(row.cursor);
            }
            if page.next_cursor.is_none() {
                return true;
            }
            assert_eq!(page.next_cursor, self.cursor);
        }
        false
    }
}

/// Converts a row of the feed to a row of a replica.
pub(super) fn replica_row(row: &FeedRow) -> ReplicaRow {
    let doc = row.payload.as_deref().map(|payload| serde_json::from_slice::<Doc>(payload).unwrap());
    assert!(doc.as_ref().is_none_or(|doc| doc.id == row.id));
    (doc, row.deleted_at.is_none())
}

/// Reads the whole feed and checks its consistency: each id once, in the order of sequences, timestamps never going
/// back.
pub(super) async fn read_feed(store: &SharedStore, dataset: &DatasetKey) -> Vec<FeedRow> {
    let page = read(store, dataset, ReadQuery { limit: 10_000, ..ReadQuery::default() }).await;
    assert_eq!(page.next_cursor, None);
    assert!(page.records.is_sorted_by(|a, b| cursor_seq(&a.cursor) < cursor_seq(&b.cursor)));
    assert!(page.records.is_sorted_by_key(|row| row.last_modified_at));
    page.records
}

/// Asserts that the stored sizes of a dataset equal a recount of the feed.
pub(super) async fn check_sizes(store: &SharedStore, dataset: &DatasetKey, feed: &[FeedRow]) {
    let sizes = store.datasets(None, None).await.unwrap().into_iter().find(|one| one.dataset == *dataset);
    let live: Vec<_> = feed.iter().filter(|row| row.deleted_at.is_none()).collect();
    let bytes: usize = live.iter().map(|row| row.payload.as_ref().map_or(0, bytes::Bytes::len)).sum();
    assert_eq!(sizes.map_or((0, 0), |sizes| (sizes.live, sizes.bytes)), (live.len() as u64, bytes as u64));
}

/// Executes a query with a random cursor, filter, time, ids and limits, and compares it with the whole feed. Returns a
/// description.
pub(super) async fn check_random_query(
    store: &SharedStore,
    dataset: &DatasetKey,
    rng: &mut Rng,
    cursors: &[String],
    step_times: &[Timestamp],
) -> String {
    let feed = read_feed(store, dataset).await;
    let mut maybe = |times| rng.one_in(times);
    let filter = Filter { added: maybe(3), updated: maybe(3), deleted: maybe(3) };
    let (by_ids, by_time, by_bytes, by_cursor) = (maybe(3), maybe(3), maybe(3), maybe(2));
    let query = ReadQuery {
        cursor: (by_cursor && !cursors.is_empty()).then(|| cursors[rng.index(cursors.len())].clone()),
        limit: u32::try_from(1 + rng.below(12)).unwrap(),
        filter,
        modified_after: by_time.then(|| step_times[rng.index(step_times.len())]),
        ids: if by_ids { random_ids(rng) } else { Vec::new() },
        max_bytes: if by_bytes { 1 + rng.index(300) } else { 0 },
    };
    assert_eq!(read(store, dataset, query.clone()).await, expected_page(&feed, &query), "{query:?}");
    format!("queries {filter:?}, cursor {by_cursor}, time {by_time}, ids {:?}", query.ids)
}

/// Returns the expected result of a query, computed from all rows.
fn expected_page(feed: &[FeedRow], query: &ReadQuery) -> FeedPage {
    let after = query.cursor.as_deref().map_or(0, cursor_seq);
    let Filter { added, updated, deleted } = query.filter;
    let all = !(added || updated || deleted);
    let matches = |row: &&FeedRow| {
        cursor_seq(&row.cursor) > after
            && query.modified_after.is_none_or(|time| row.last_modified_at >= time)
            && (query.ids.is_empty() || query.ids.contains(&row.id))
            && (all
                || match row.last_action {
                    LastAction::Added => added,
                    LastAction::Updated => updated,
                    LastAction::Deleted => deleted,
                })
    };
    let mut page = FeedPage::default();
    let mut bytes = 0;
    for row in feed.iter().filter(matches) {
        bytes += row.payload.as_ref().map_or(0, bytes::Bytes::len);
        let too_large = query.max_bytes > 0 && bytes > query.max_bytes && !page.records.is_empty();
        if page.records.len() == query.limit as usize || too_large {
            page.next_cursor = page.records.last().map(|last| last.cursor.clone());
            break;
        }
        page.records.push(row.clone());
    }
    page
}

/// Returns the sequence in a cursor: its last eight bytes.
pub(super) fn cursor_seq(cursor: &str) -> i64 {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).unwrap();
    i64::from_be_bytes(*bytes.last_chunk().unwrap())
}
