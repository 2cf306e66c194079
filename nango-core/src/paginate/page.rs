//! Raw page of a walk: a response, its records as byte ranges, and the position of the next page.

use std::{fmt, sync::Arc};

use super::{PaginateError, ResumePoint, records::PageRecords, walk_state::WalkState};
use crate::{http::Response, time::Timestamp};

/// Received page. Its records and its cursor may be secret, so `Debug` does not show them.
pub(crate) struct RawPage {
    pub(super) response: Response,
    pub(super) name: String,
    records: PageRecords,
    pub(super) next: Option<String>,
    pub(super) resume_point: Option<ResumePoint>,
    pub(super) state: Option<Arc<WalkState>>,
    /// Whether records can move across the position of the reader.
    pub(super) is_position_based: bool,
}

impl fmt::Debug for RawPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawPage")
            .field("name", &self.name)
            .field("status", &self.response.status)
            .field("next", &self.next.as_ref().map(|_| format_args!("***")))
            .field("resume_point", &self.resume_point)
            .finish_non_exhaustive()
    }
}

impl RawPage {
    pub(super) fn new(response: Response, name: String, records: PageRecords) -> Self {
        Self { response, name, records, next: None, resume_point: None, state: None, is_position_based: false }
    }

    /// Returns the JSON texts of the records. If the whole body is the list, the records are not validated yet and may
    /// be invalid JSON.
    ///
    /// # Errors
    ///
    /// Fails if a record is not UTF-8. This was checked when the page was read.
    pub(crate) fn records(&self) -> Result<Vec<&str>, PaginateError> {
        let ranges = match &self.records {
            PageRecords::Ranges(ranges) => ranges,
            PageRecords::Keyed(records) => return Ok(records.iter().map(|record| &**record).collect()),
        };
        let record = |range: &std::ops::Range<usize>| {
            let bytes = self.response.body.get(range.clone()).unwrap_or_default();
            str::from_utf8(bytes).map_err(|error| PaginateError::Next {
                at: self.name.clone(),
                what: "record",
                location: range.start.to_string(),
                source: error.into(),
            })
        };
        ranges.iter().map(record).collect()
    }

    /// Returns the number of records.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Returns whether the page has no records.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the response of the page.
    pub(crate) fn response(&self) -> &Response {
        &self.response
    }

    /// Returns the time of the request.
    pub(crate) fn sent_at(&self) -> Timestamp {
        self.response.sent_at
    }

    /// Returns the page and its request, for errors: `page 2 of GET https://api.example.com/items`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the cursor, URL or offset of the next page, or `None` if this is the last page.
    pub(crate) fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// Returns the resume point after this page, or `None` if it is the last page or the next page is found by
    /// counting.
    pub(crate) fn resume_point(&self) -> Option<&ResumePoint> {
        self.resume_point.as_ref()
    }

    /// Returns the state of the walk after this page.
    pub(crate) fn state(&self) -> Option<&WalkState> {
        self.state.as_deref()
    }

    /// Returns whether records can move across the position of the reader, as far as observed by the walk.
    pub(crate) fn is_position_based(&self) -> bool {
        self.is_position_based
    }
}
