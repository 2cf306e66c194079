//! Types that the methods of [`Nango`](crate::Nango), [`NangoSync`](crate::NangoSync) and
//! [`NangoAction`](crate::NangoAction) take and return.

pub use crate::{
    declare::{ErrorAt, ErrorValue, Paginate, Pagination},
    http::{BoxFuture, HeaderMap, Method, Part, RedactedRequest, Url},
    model::KeyOf,
    nango::{
        ConnectionInfo, ConnectionRequest, FullScan, IntegrationInfo, LockGuard, LogEntry, OptionalRequest,
        PageBuilder, RecordStream, Request, Response, Saved, ScanEnd,
    },
    store::{Level, RowOutcome},
};
