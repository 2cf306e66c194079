//! A reader that follows its cursor with `registry records` across all crashes of the writer.

use std::collections::BTreeMap;

use nango_tests::Registry;
use serde_json::Value;

use super::proof_sync::ProofSync;

/// State of a reader: the records and the cursor.
#[derive(Debug, Default)]
pub(super) struct Replica {
    /// Records by id that are not deleted: the text that was read last.
    pub(super) live_records: BTreeMap<String, String>,
    /// Cursor after the last record that was read.
    pub(super) cursor: Option<String>,
}

impl Replica {
    /// Reads this number of pages, or all pages if `None`.
    pub(super) fn read(&mut self, registry: &Registry, sync: ProofSync, pages: Option<u64>) {
        let mut remaining = pages.unwrap_or(u64::MAX);
        while remaining > 0 {
            remaining -= 1;
            let limit = if pages.is_some() { "300" } else { "10000" };
            let mut args = vec!["records", "proof", sync.model(), "--connection", "acme", "--limit", limit, "--json"];
            args.extend(self.cursor.iter().flat_map(|cursor| ["--cursor", cursor]));
            let page = registry.json(args.iter().map(ToString::to_string).collect::<Vec<_>>());
            self.apply(page["records"].as_array().expect("records"));
            if page["next_cursor"].is_null() {
                break;
            }
            assert_eq!(page["next_cursor"].as_str(), self.cursor.as_deref());
        }
    }

    /// Applies records in the order of the feed.
    pub(super) fn apply(&mut self, records: &[Value]) {
        for record in records {
            let (id, metadata) = (record["id"].as_str().expect("an id"), &record["_nango_metadata"]);
            if metadata["deleted_at"].is_null() {
                let text = record["text"].as_str().expect("a text");
                self.live_records.insert(id.to_owned(), text.to_owned());
            } else {
                self.live_records.remove(id);
            }
            self.cursor = metadata["cursor"].as_str().map(str::to_owned);
        }
    }
}
