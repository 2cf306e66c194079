//! Page commits: saves, deletes, and their atomicity.

use nango_core::Timestamp;
use nango_tests::internal::{
    declare::Merging,
    store::{
        Change, CheckpointWrite, DatasetKey, DatasetStats, LastAction, Level, LogLine, ModelCounts, ReadQuery,
        ResumeWrite, RowOutcome::*, StoreError, Write,
    },
};
use serde_json::{Value, json};

use super::support::*;

pub(super) async fn saved_record_is_added_then_unchanged_then_updated(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    assert_eq!(sync.save(&[("a", 1), ("b", 1)]).await, [Added, Added]);
    let before = sync.feed().await;
    assert_eq!(ids(&before), "a b");
    assert_eq!(before[0].payload.as_deref(), Some(&br#"{"id":"a","n":1}"#[..]));
    assert!(before.iter().all(|row| row.last_action == LastAction::Added));
    assert!(before.iter().all(|row| row.first_seen_at == row.last_modified_at && row.deleted_at.is_none()));

    tick(&store).await;
    assert_eq!(sync.save(&[("a", 1), ("b", 1)]).await, [Unchanged, Unchanged]);
    assert_eq!(sync.feed().await, before);

    assert_eq!(sync.save(&[("a", 2), ("b", 1), ("c", 1)]).await, [Updated, Unchanged, Added]);
    let after = sync.feed().await;
    assert_eq!(ids(&after), "b a c");
    assert_eq!(after[0], before[1]);
    assert_eq!((after[1].last_action, json_of(&after[1])), (LastAction::Updated, json!({ "id": "a", "n": 2 })));
    assert_eq!(after[1].first_seen_at, before[0].first_seen_at);
    assert!(after[1].last_modified_at > before[0].last_modified_at);
}

pub(super) async fn delete_keeps_payload(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 2)]).await;
    let before = sync.row("a").await;
    tick(&store).await;
    assert_eq!(sync.commit(delete(&["a", "a", "b"])).await, [Deleted, Duplicate, Deleted]);
    let after = sync.row("a").await;
    assert_eq!((after.last_action, &after.payload), (LastAction::Deleted, &before.payload));
    assert_eq!(after.deleted_at, Some(after.last_modified_at));
    assert_eq!(after.first_seen_at, before.first_seen_at);
    assert!(after.last_modified_at > before.last_modified_at);
    assert_eq!(sync.ids().await, "-a -b");
}

pub(super) async fn delete_of_missing_record_is_ignored(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    assert_eq!(sync.commit(delete(&["ghost", "", "a\0b", &"x".repeat(300)])).await, [Missing; 4]);
    assert_eq!(store.datasets(None, None).await.unwrap(), []);
    sync.save(&[("a", 1)]).await;
    sync.commit(delete(&["a"])).await;
    let tombstone = sync.feed().await;
    tick(&store).await;
    assert_eq!(sync.commit(delete(&["a", "ghost"])).await, [Missing, Missing]);
    assert_eq!(sync.feed().await, tombstone);
}

pub(super) async fn saved_tombstone_is_added(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1)]).await;
    sync.commit(delete(&["a", "b"])).await;
    let deleted = sync.row("a").await;
    tick(&store).await;
    // One record has the same content, the other one has not.
    assert_eq!(sync.save(&[("a", 1), ("b", 2)]).await, [Added, Added]);
    for row in sync.feed().await {
        assert_eq!((row.last_action, row.deleted_at), (LastAction::Added, None));
        assert_eq!(row.first_seen_at, row.last_modified_at);
        assert!(row.first_seen_at > deleted.last_modified_at);
    }
    assert_eq!(store.datasets(None, None).await.unwrap()[0].live, 2);
}

pub(super) async fn first_of_duplicate_ids_in_a_page_wins(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    assert_eq!(sync.save(&[("a", 1), ("a", 2), ("b", 1), ("a", 3)]).await, [Added, Duplicate, Added, Duplicate]);
    assert_eq!(json_of(&sync.row("a").await)["n"], 1);
    let twice = ["x", "y"].map(|title| patch_row("a", json!({ "title": title }).as_object().unwrap().clone()));
    assert_eq!(sync.commit(Write::Patch(twice.to_vec())).await, [Updated, Duplicate]);
    assert_eq!(json_of(&sync.row("a").await)["title"], "x");
    // Duplicates are detected within one write: the next write of the same page is independent.
    let page = sync.page([save(&[("a", 7)]), save(&[("a", 8)]), delete(&["b"]), save(&[("b", 1)])]);
    assert_eq!(row_outcomes(store.commit(page).await.unwrap()), [Updated, Updated, Deleted, Added]);
    assert_eq!(json_of(&sync.row("a").await)["n"], 8);
}

pub(super) async fn newer_write_is_kept_unless_overridden(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let webhook = TestSync::begin(&store, "webhook").await;
    sync.save(&[("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 1), ("f", 1)]).await;
    let early = sync.page([
        save(&[("a", 2), ("b", 2), ("c", 2), ("d", 9)]),
        delete(&["c", "d"]),
        patch("e", json!({ "n": 2 })),
        save(&[("f", 2), ("new", 1)]),
    ]);
    tick(&store).await;
    webhook.save(&[("a", 9), ("c", 9), ("d", 9), ("e", 9)]).await;
    webhook.commit(delete(&["b"])).await;
    let before: Vec<_> = webhook.feed().await.into_iter().filter(|row| row.id != "f").collect();
    // Records that another run changed or deleted are kept; content that is already equal is unchanged.
    let outcomes = row_outcomes(store.commit(early.clone()).await.unwrap());
    let skipped = [SkippedNewer, SkippedNewer, SkippedNewer, Unchanged, SkippedNewer, SkippedNewer, SkippedNewer];
    assert_eq!(outcomes[..7], skipped);
    assert_eq!(outcomes[7..], [Updated, Added]);
    let after: Vec<_> = sync.feed().await.into_iter().filter(|row| !["f", "new"].contains(&&*row.id)).collect();
    assert_eq!(after, before);

    let mut page = early;
    page.changes.iter_mut().for_each(|change| change.merging = Merging::Override);
    let outcomes = row_outcomes(store.commit(page).await.unwrap());
    assert_eq!(outcomes[..7], [Updated, Added, Updated, Unchanged, Deleted, Deleted, Updated]);
    let counts = store.run(sync.run.id).await.unwrap().unwrap().totals.models["Doc"];
    assert_eq!(counts.skipped_newer, 6);
}

pub(super) async fn run_overwrites_its_own_newer_writes(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let mut page = sync.page([save(&[("a", 2)])]);
    page.requested_at = Timestamp::UNIX_EPOCH;
    sync.save(&[("a", 1)]).await;
    assert_eq!(row_outcomes(store.commit(page).await.unwrap()), [Updated]);
}

pub(super) async fn commit_has_one_timestamp_and_consecutive_sequence_numbers(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1)]).await;
    tick(&store).await;
    let mut page = sync.page([save(&[("b", 2), ("c", 1), ("a", 1)]), delete(&["a"])]);
    let other = Change { dataset: dataset("Other"), write: save(&[("x", 1)]), ..page.changes[0].clone() };
    page.changes.insert(1, other);
    assert_eq!(row_outcomes(store.commit(page).await.unwrap()), [Updated, Added, Unchanged, Added, Deleted]);
    let feed = sync.feed().await;
    assert_eq!(ids(&feed), "b c -a");
    let other_rows = read(&store, &dataset("Other"), ReadQuery::default()).await.records;
    assert!(feed.iter().chain(&other_rows).all(|row| row.last_modified_at == feed[0].last_modified_at));
    // A later commit never has an earlier timestamp.
    sync.save(&[("z", 1)]).await;
    assert!(sync.row("z").await.last_modified_at >= feed[0].last_modified_at);
}

pub(super) async fn page_is_committed_completely_or_not_at_all(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1)]).await;
    let before = (sync.feed().await, store.run(sync.run.id).await.unwrap(), store.datasets(None, None).await.unwrap());
    let mut page = sync.page([save(&[("a", 2), ("b", 1)]), delete(&["a"])]);
    page.logs = vec![LogLine {
        timestamp: Timestamp::from_micros(1),
        level: Level::Info,
        message: "page".to_owned(),
        fields: Value::Null,
    }];
    page.resume = Some(ResumeWrite::Set(vec![1, 2, 3]));
    page.checkpoint = Some(CheckpointWrite { value: Some(json!({ "page": 2 })), expected: 5 });
    let refused = store.commit(page.clone()).await;
    assert!(matches!(refused, Err(StoreError::CheckpointConflict { expected: 5, found: 0 })), "{refused:?}");
    let after = (sync.feed().await, store.run(sync.run.id).await.unwrap(), store.datasets(None, None).await.unwrap());
    assert_eq!(after, before);
    assert_eq!(store.logs(sync.run.id).await.unwrap(), []);
    assert_eq!(store.resume_state(&sync.key).await.unwrap(), None);
    assert_eq!(store.checkpoint(&sync.key).await.unwrap().version, 0);

    page.checkpoint = Some(CheckpointWrite { value: Some(json!({ "page": 2 })), expected: 0 });
    let committed = store.commit(page.clone()).await.unwrap();
    assert_eq!(committed.checkpoint_version, Some(1));
    assert_eq!(store.logs(sync.run.id).await.unwrap(), page.logs);
    assert_eq!(store.resume_state(&sync.key).await.unwrap(), Some(vec![1, 2, 3]));
    assert_eq!(store.checkpoint(&sync.key).await.unwrap().value, Some(json!({ "page": 2 })));
    assert_eq!(sync.ids().await, "b -a");
}

pub(super) async fn pages_of_one_commit_are_committed_completely_or_not_at_all(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let pages = [sync.page([save(&[("a", 1), ("b", 1)])]), sync.page([save(&[("b", 1), ("c", 1)]), delete(&["a"])])];
    let mut refused = pages.to_vec();
    refused[1].checkpoint = Some(CheckpointWrite { value: None, expected: 5 });
    let refused = store.commit_all(refused).await;
    assert!(matches!(refused, Err(StoreError::CheckpointConflict { .. })), "{refused:?}");
    assert_eq!((sync.ids().await, store.run(sync.run.id).await.unwrap().unwrap().totals.pages), (String::new(), 0));

    let committed = store.commit_all(pages.to_vec()).await.unwrap();
    let outcomes: Vec<_> = committed.into_iter().map(row_outcomes).collect();
    assert_eq!(outcomes, [vec![Added, Added], vec![Unchanged, Added, Deleted]]);
    assert_eq!(sync.ids().await, "b c -a");
    assert_eq!(store.run(sync.run.id).await.unwrap().unwrap().totals.pages, 2);
    assert!(store.commit_all(Vec::new()).await.unwrap().is_empty());
}

pub(super) async fn stored_counters_equal_a_recount(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    sync.save(&[("a", 1), ("b", 1), ("b", 1), ("c", 100_000)]).await;
    sync.save(&[("a", 1), ("b", 22), ("d", 4)]).await;
    sync.commit(delete(&["a", "ghost"])).await;
    sync.commit(patch("c", json!({ "title": "long enough to matter" }))).await;
    sync.save(&[("a", 5)]).await;
    let mut page = sync.page([]);
    (page.pages, page.requests) = (0, 3);
    store.commit(page).await.unwrap();
    let totals = store.run(sync.run.id).await.unwrap().unwrap().totals;
    assert_eq!((totals.pages, totals.requests), (5, 8));
    let expect = ModelCounts { added: 5, updated: 2, deleted: 1, unchanged: 1, ..ModelCounts::default() };
    assert_eq!(totals.models, [("Doc".to_owned(), expect)].into());
    assert_eq!(recount(&sync.feed().await), stats(&store).await);
    sync.commit(delete(&["a", "b", "c", "d"])).await;
    assert_eq!(stats(&store).await, (0, 0));
}

pub(super) async fn ids_and_payloads_are_stored_unchanged(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let long = "é".repeat(127) + "x";
    let names = [&*long, "7", "07", "%", "_", "'; --", "\"", "a b", "A", "a", "é", "e\u{301}", "🦀", "\u{7f}"];
    let docs = names.map(|id| Doc {
        title: Some("nul \0, quote \", \u{2028}".to_owned()),
        last: Some(-0.0),
        ..doc(id, u64::MAX)
    });
    let write = batch(&docs);
    let payloads: Vec<_> = write.iter().map(|item| item.payload.to_vec()).collect();
    assert_eq!(sync.commit(Write::Save(write)).await, [Added; 14]);
    let feed = sync.feed().await;
    assert_eq!(feed.iter().map(|row| &*row.id).collect::<Vec<_>>(), names);
    assert_eq!(feed.iter().map(|row| row.payload.as_deref().unwrap()).collect::<Vec<_>>(), payloads);
    assert_eq!(sync.commit(Write::Save(batch(&docs))).await, [Unchanged; 14]);
}

pub(super) async fn variants_and_connections_are_separate_datasets(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let base = dataset("Doc");
    let others = [
        base.clone(),
        DatasetKey { variant: "v".to_owned(), ..base.clone() },
        DatasetKey { connection: "other".to_owned(), ..base.clone() },
        DatasetKey { integration: "gitlab".to_owned(), ..base.clone() },
        DatasetKey { model: "Other".to_owned(), ..base.clone() },
    ];
    for (n, dataset) in (1..).zip(&others) {
        let mut page = sync.page([save(&[("a", n)])]);
        page.changes[0].dataset = dataset.clone();
        assert_eq!(row_outcomes(store.commit(page).await.unwrap()), [Added]);
    }
    for (n, dataset) in (1_u64..).zip(&others) {
        let feed = read(&store, dataset, ReadQuery::default()).await.records;
        assert_eq!((feed.len(), &json_of(&feed[0])["n"]), (1, &json!(n)));
    }
    let keys = |found: Vec<DatasetStats>| found.into_iter().map(|one| one.dataset).collect::<Vec<_>>();
    let mut sorted = others.to_vec();
    sorted.sort();
    assert_eq!(keys(store.datasets(None, None).await.unwrap()), sorted);
    assert_eq!(keys(store.datasets(Some("gitlab"), None).await.unwrap()), [others[3].clone()]);
    assert_eq!(keys(store.datasets(None, Some("other")).await.unwrap()), [others[2].clone()]);
    assert_eq!(store.datasets(Some("gitlab"), Some("other")).await.unwrap(), []);
}

pub(super) async fn concurrent_writers_lose_no_record(store: TestStore) {
    let writers = (0..8).map(|w: u64| {
        let store = store.clone();
        tokio::spawn(async move {
            let sync = TestSync::begin(&store, &format!("writer-{w}")).await;
            for n in 0..10 {
                let shared = format!("shared-{}", n % 3);
                sync.save(&[(&format!("{w}-{n}"), n), (&shared, w * 100 + n)]).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let sync = TestSync::begin(&store, "reader").await;
    let feed = sync.feed().await;
    assert_eq!(feed.len(), 83);
    let cursors: std::collections::HashSet<_> = feed.iter().map(|row| &row.cursor).collect();
    assert_eq!(cursors.len(), 83);
    assert!(feed.is_sorted_by_key(|row| row.last_modified_at));
    assert_eq!(recount(&feed), stats(&store).await);
}

pub(super) async fn empty_page_is_counted(store: TestStore) {
    let sync = TestSync::begin(&store, "issues").await;
    let committed = store.commit(sync.page([save(&[]), delete(&[]), Write::Patch(Vec::new())])).await.unwrap();
    assert_eq!(committed.changes.len(), 3);
    assert!(committed.changes.iter().all(|outcome| outcome.rows.is_empty()));
    assert_eq!(store.run(sync.run.id).await.unwrap().unwrap().totals.pages, 1);
}
