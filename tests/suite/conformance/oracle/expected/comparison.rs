//! Comparison of the model with what readers read.

use std::collections::BTreeMap;

use nango_tests::internal::store::FeedRow;

use super::{super::readers::ReplicaRow, Expected};

impl Expected {
    /// Asserts that the replica of a reader at the end of the feed equals this dataset.
    #[track_caller]
    pub(in crate::conformance::oracle) fn assert_replica_matches(&self, replica: &BTreeMap<String, ReplicaRow>) {
        let ids = |replica: &BTreeMap<String, ReplicaRow>| replica.keys().cloned().collect::<Vec<_>>();
        assert_eq!(ids(replica), self.rows.keys().cloned().collect::<Vec<_>>(), "the replica and the dataset");
        for (id, row) in &self.rows {
            let (doc, live) = &replica[id];
            assert_eq!(*live, row.live, "whether {id} is active");
            match doc {
                Some(doc) => assert_eq!(*doc, row.doc),
                None => assert!(row.was_pruned, "{id} was read without its payload, which was never dropped"),
            }
        }
    }

    /// Asserts that a feed read from its start equals this dataset.
    #[track_caller]
    pub(in crate::conformance::oracle) fn assert_feed_matches(&self, feed: &[FeedRow]) {
        assert_eq!(feed.len(), self.rows.len());
        for feed_row in feed {
            let row = &self.rows[&feed_row.id];
            let text = feed_row.payload.as_deref().map(String::from_utf8_lossy);
            let expected = (!row.pruned).then_some(&*row.text);
            assert_eq!((text.as_deref(), feed_row.pruned_at.is_some()), (expected, row.pruned), "{}", feed_row.id);
            assert_eq!(feed_row.deleted_at.is_none(), row.live, "{}", feed_row.id);
        }
    }
}
