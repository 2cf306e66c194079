//! Prefetch of pages while earlier pages are committed.
//!
//! Pages accumulate only if the provider is faster than the database; they are then committed in one transaction, so
//! that its fixed cost, mainly the flush to disk, is shared. Invariants: pages are returned in order, and an error is
//! returned only after the pages before it.

use std::mem;

use crate::{
    error::Result,
    paginate::{RawPage, Walk},
};

/// Maximum number of prefetched pages.
const MAX_PAGES: usize = 8;
/// Size of prefetched bodies in bytes from which no more pages are fetched.
const MAX_BYTES: usize = 2 << 20;

/// Walk with its prefetched pages.
pub(super) struct Prefetcher {
    walk: Walk,
    pages: Vec<RawPage>,
    bytes: usize,
    /// Result of the walk, after its end.
    end: Option<Result<()>>,
}

impl Prefetcher {
    /// Creates a prefetcher without pages.
    pub(super) fn new(walk: Walk) -> Self {
        Self { walk, pages: Vec::new(), bytes: 0, end: None }
    }

    /// Returns whether another page may be fetched.
    pub(super) fn has_capacity(&self) -> bool {
        self.end.is_none() && self.pages.len() < MAX_PAGES && self.bytes < MAX_BYTES
    }

    /// Fetches one page, or detects the end of the walk.
    pub(super) async fn fetch_page(&mut self) {
        match self.walk.next().await {
            Ok(Some(page)) => {
                self.bytes += page.response().body.len();
                self.pages.push(page);
            }
            Ok(None) => self.end = Some(Ok(())),
            Err(error) => self.end = Some(Err(self.walk.error(error))),
        }
    }

    /// Returns the underlying walk.
    pub(super) fn walk(&mut self) -> &mut Walk {
        &mut self.walk
    }

    /// Removes and returns the prefetched pages, at least one. Returns `None` after the last page.
    pub(super) fn take_pages(&mut self) -> Result<Option<Vec<RawPage>>> {
        if self.pages.is_empty() {
            return self.end.take().unwrap_or(Ok(())).map(|()| None);
        }
        self.bytes = 0;
        Ok(Some(mem::take(&mut self.pages)))
    }
}
