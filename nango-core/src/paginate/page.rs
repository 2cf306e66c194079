//! A page as it came.

use std::{fmt, ops::Range, sync::Arc};

use super::{PaginateError, ResumePoint, walk_state::WalkState};
use crate::http::Response;

/// A page as it came. Its records and its way to the next page may be secret: `Debug` shows neither.
pub struct RawPage {
    pub(super) response: Response,
    pub(super) name: String,
    /// Where the records lie in the body.
    records: Vec<Range<usize>>,
    pub(super) next: Option<String>,
    pub(super) resume_point: Option<ResumePoint>,
    pub(super) state: Option<Arc<WalkState>>,
    /// Whether records can move across the position of the reader.
    pub(super) is_position_based: bool,
}

impl fmt::Debug for RawPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawPage")
            .field("at", &self.name)
            .field("status", &self.response.status)
            .field("next", &self.next.as_ref().map(|_| format_args!("***")))
            .field("place", &self.resume_point)
            .finish_non_exhaustive()
    }
}

impl RawPage {
    pub(super) fn new(response: Response, name: String, records: Vec<Range<usize>>) -> Self {
        Self { response, name, records, next: None, resume_point: None, state: None, is_position_based: false }
    }

    /// The records, cut out of the body. Of a body that is nothing but the list, a record may turn out to be no JSON.
    ///
    /// # Errors
    ///
    /// A record is not UTF-8, which was checked when the page was read.
    pub fn records(&self) -> Result<Vec<&str>, PaginateError> {
        let record = |range: &Range<usize>| {
            let bytes = self.response.body.get(range.clone()).unwrap_or_default();
            str::from_utf8(bytes).map_err(|error| PaginateError::Next {
                at: self.name.clone(),
                what: "record",
                location: range.start.to_string(),
                reason: error.to_string(),
            })
        };
        self.records.iter().map(record).collect()
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether the page has no records.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The answer.
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// When it was requested, microseconds since 1970.
    pub fn sent_at(&self) -> i64 {
        self.response.sent_at
    }

    /// Page and request, for errors: `page 2 of GET https://api.example.com/items`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The way to the next page: a cursor, a URL or an offset. `None`: this is the last.
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// The resume point behind this page. `None`: it is the last, or the next one is found by counting.
    pub fn resume_point(&self) -> Option<&ResumePoint> {
        self.resume_point.as_ref()
    }

    /// What the walk has to remember of the pages up to this one.
    pub fn state(&self) -> Option<&WalkState> {
        self.state.as_deref()
    }

    /// Whether records can move across the position of the reader, as far as the walk has seen.
    pub fn is_position_based(&self) -> bool {
        self.is_position_based
    }
}
