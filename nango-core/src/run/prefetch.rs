//! Pages that are fetched while those before them are being kept.
//!
//! Pages gather only when the provider is faster than the database; they are then kept in one transaction, so that its
//! fixed cost, above all the flush of the disk, is shared. Must stay true: pages are given in their order, and an error
//! is given only behind the pages that came before it.

use std::mem;

use crate::{
    error::Result,
    paginate::{RawPage, Walk},
};

/// So many pages wait at most.
const MAX_PAGES: usize = 8;
/// No more are fetched once so many bytes wait.
const MAX_BYTES: usize = 2 << 20;

/// A walk, and the pages of it that wait.
pub(super) struct Prefetcher {
    walk: Walk,
    pages: Vec<RawPage>,
    bytes: usize,
    /// How the walk ended, once it did.
    end: Option<Result<()>>,
}

impl Prefetcher {
    /// Nothing fetched yet.
    pub(super) fn new(walk: Walk) -> Self {
        Self { walk, pages: Vec::new(), bytes: 0, end: None }
    }

    /// Whether another page may be fetched.
    pub(super) fn has_capacity(&self) -> bool {
        self.end.is_none() && self.pages.len() < MAX_PAGES && self.bytes < MAX_BYTES
    }

    /// Fetches one page, or finds the end.
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

    /// The walk.
    pub(super) fn walk(&mut self) -> &mut Walk {
        &mut self.walk
    }

    /// The pages that wait, at least one; `None` behind the last.
    pub(super) fn take_pages(&mut self) -> Result<Option<Vec<RawPage>>> {
        if self.pages.is_empty() {
            return self.end.take().unwrap_or(Ok(())).map(|()| None);
        }
        self.bytes = 0;
        Ok(Some(mem::take(&mut self.pages)))
    }
}
