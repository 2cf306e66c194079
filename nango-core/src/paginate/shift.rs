//! Detection of shifts: records that are repeated on a later page, because other records were added or deleted during
//! the walk.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_64;

/// Ids of the pages of a position-based walk, as hashes of 8 bytes.
#[derive(Debug, Default)]
pub(crate) struct SeenIds {
    earlier: HashSet<u64>,
    page: Vec<u64>,
}

impl SeenIds {
    /// Adds an id of the current page. A repeated id on the same page is not a shift.
    pub(crate) fn add(&mut self, id: &str) {
        self.page.push(xxh3_64(id.as_bytes()));
    }

    /// Ends the current page, and returns whether one of its ids was on an earlier page.
    pub(crate) fn end_page(&mut self) -> bool {
        let again = self.page.iter().any(|id| self.earlier.contains(id));
        self.earlier.extend(self.page.drain(..));
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_id_is_a_shift_on_a_later_page_only() {
        let mut seen = SeenIds::default();
        seen.add("1");
        seen.add("1");
        assert!(!seen.end_page());
        seen.add("2");
        assert!(!seen.end_page());
        seen.add("3");
        seen.add("1");
        assert!(seen.end_page());
    }
}
