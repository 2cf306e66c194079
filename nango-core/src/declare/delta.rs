//! `delta(…)`: a position that the API returns, and from which the next run of a mapper reads changes.

use serde_json::Value;

use super::{AddEachValues, Paginate, PaginateKind, Pagination, RequestValues};
use crate::error::Result;

/// Position in the changes of a list, which the API returns at the end of a walk.
#[derive(Debug)]
pub struct Delta {
    /// Place of the position in requests and responses.
    pub position: DeltaPosition,
    /// Adds the parameters of `initial(…)`, which are sent only without a position.
    pub initial: Option<InitialValues>,
    /// Names of the parameters of `initial(…)`.
    pub initial_names: &'static [&'static str],
    /// Path of the flag in a response that ends the stream.
    pub end: Option<&'static str>,
    /// Statuses of responses to a position that has expired.
    pub expired: &'static [u16],
}

impl Delta {
    /// Statuses of an expired position without `expired(…)`.
    pub const EXPIRED: &'static [u16] = &[410];

    /// Returns the pagination of the feed: that of the mapper, completed if the position is the cursor of the pages.
    pub(crate) fn paginate(&self, paginate: Paginate) -> Paginate {
        match self.end {
            Some(end) if paginate.kind.is_none() => self.position.paginate(end, paginate),
            _ => paginate,
        }
    }
}

/// Place of a position in requests and responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeltaPosition {
    /// The value at `path` in a response is sent as the parameter `param`.
    Param {
        /// Name of the query parameter; for a method with a body, the dotted name of the field in the body.
        param: &'static str,
        /// Path of the value in a response.
        path: &'static str,
    },
    /// The value at `path` in a response is the address of the next request.
    Link {
        /// Path of the address in a response.
        path: &'static str,
    },
}

impl DeltaPosition {
    /// Returns the path of the position in a response.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Param { path, .. } | Self::Link { path } => path,
        }
    }

    /// Returns the pagination of a feed whose position is the cursor or the link of the pages. `end` is the path of the
    /// flag on the last page.
    pub(crate) fn paginate(self, end: &'static str, mut paginate: Paginate) -> Paginate {
        paginate.kind = Some(match self {
            Self::Param { param, path } => PaginateKind::Cursor { name: param.into(), path: path.into() },
            Self::Link { path } => PaginateKind::Link { rel: None, path: Some(path.into()) },
        });
        paginate.is_last = Some(end.into());
        // The API numbers its changes: a change moves no other one across a position.
        paginate.pagination.get_or_insert(Pagination::Token);
        paginate
    }
}

/// Function that adds the parameters of `initial(…)`.
#[derive(Debug, Clone, Copy)]
pub enum InitialValues {
    /// The argument is the connection's metadata.
    Metadata(fn(Value, &mut RequestValues) -> Result<()>),
    /// The argument is the scope of a mapper with `each`.
    Each(AddEachValues),
}
