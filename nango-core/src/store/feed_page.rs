//! Builder of a feed page: applies the limits of records and bytes, the same in every database.

use bytes::Bytes;

use super::{
    FeedPage, FeedRow, Filter, LastAction, ReadQuery,
    row_flags::{ADDED_ACTION, DELETED_ACTION, UPDATED_ACTION},
};

/// The maximum number of records in one page.
pub(super) const MAX_PAGE_RECORDS: u32 = 10_000;

/// A page that accepts rows until it is full.
#[derive(Debug)]
pub(super) struct FeedPageBuilder {
    page: FeedPage,
    limit: usize,
    max_bytes: usize,
    bytes: usize,
}

impl FeedPageBuilder {
    /// Creates an empty page with the limits of a query.
    pub(super) fn new(query: &ReadQuery) -> Self {
        let limit = query.limit.clamp(1, MAX_PAGE_RECORDS) as usize;
        Self { page: FeedPage::default(), limit, max_bytes: query.max_bytes, bytes: 0 }
    }

    /// Appends a row. Returns `false` if the page is full: the row is dropped, and the page has a next cursor.
    pub(super) fn push(&mut self, row: FeedRow) -> bool {
        let bytes = row.payload.as_ref().map_or(0, Bytes::len);
        let records = &mut self.page.records;
        let too_large = self.max_bytes > 0 && !records.is_empty() && self.bytes + bytes > self.max_bytes;
        if records.len() == self.limit || too_large {
            self.page.next_cursor = records.last().map(|last| last.cursor.clone());
            return false;
        }
        self.bytes += bytes;
        records.push(row);
        true
    }

    /// Returns the finished page.
    pub(super) fn finish(self) -> FeedPage {
        self.page
    }
}

impl Filter {
    /// Returns a mask with one bit for each last action to read, at the position of its number.
    pub(super) fn mask(self) -> i64 {
        let wanted = [(self.added, ADDED_ACTION), (self.updated, UPDATED_ACTION), (self.deleted, DELETED_ACTION)];
        match wanted.iter().filter(|(set, _)| *set).map(|(_, action)| 1 << action).sum() {
            0 => 0b111,
            mask => mask,
        }
    }
}

impl LastAction {
    /// Converts the number in a row.
    pub(super) fn from_number(number: i64) -> Option<Self> {
        match number {
            ADDED_ACTION => Some(Self::Added),
            UPDATED_ACTION => Some(Self::Updated),
            DELETED_ACTION => Some(Self::Deleted),
            _ => None,
        }
    }
}
