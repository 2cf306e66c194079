//! Incremental mappers, `since(…)`: the value that a run requests, and the value for the next run.
//!
//! Times are those of the provider's clock: its `Date`, or the greatest value of a field, limited to that `Date`,
//! because records that change during the walk may be missed and must be requested again.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap};

use super::resume::SyncState;
use crate::{
    declare::{Since, SinceFormat, SinceFrom},
    error::{Error, ErrorKind, Result},
    paginate::path,
    time::{self, Timestamp, parse_http_date},
};

/// Interval between full runs if position-based pagination may skip an update, in seconds.
const POSITION_FULL_EVERY: u32 = 7 * 24 * 3_600;
/// Maximum time by which a stored value may be ahead of the local clock.
const MAX_FUTURE: Duration = Duration::from_hours(24);

/// Returns the value that a run sends, or `None` if the run is full: the first run, the run after a reset, and a run
/// when a full one is due.
///
/// After a position-based walk with several requests it is the previous value: each window is read twice, so that a
/// record that was skipped by one walk is read by the next.
pub(super) fn since_value(since: &Since, state: &SyncState, now: Timestamp) -> Option<Timestamp> {
    let full_every = since.full_every.or(state.position_based.then_some(POSITION_FULL_EVERY));
    let due = full_every.is_some_and(|every| state.full_at.is_none_or(|last| now >= last + seconds(every)));
    let stored = if state.position_based { state.previous_since } else { state.since };
    // A value in the future would request no records until that time.
    let stored = stored.filter(|stored| !due && *stored <= now + MAX_FUTURE);
    stored.map(|value| value - seconds(since.overlap))
}

/// Returns the state after a complete walk.
pub(super) fn advance(state: &SyncState, next: Option<Timestamp>, shifts: bool) -> SyncState {
    SyncState {
        since: next.or(state.since),
        previous_since: state.since,
        position_based: shifts,
        walk: None,
        ..state.clone()
    }
}

/// Returns the value of a complete walk: the provider's clock at its first response, or the newest value of the field
/// up to then.
pub(super) fn next_value(since: &Since, newest: Option<Timestamp>, first_date: Option<Timestamp>) -> Option<Timestamp> {
    match since.from {
        SinceFrom::RunStart => first_date,
        SinceFrom::Field(_) => newest.map(|newest| first_date.map_or(newest, |date| newest.min(date))),
    }
}

/// Formats a timestamp as the value of the parameter.
pub(super) fn format_value(format: SinceFormat, at: Timestamp) -> String {
    match format {
        SinceFormat::Unix => at.as_seconds().to_string(),
        SinceFormat::UnixMs => at.as_millis().to_string(),
        SinceFormat::Rfc3339 => format!("{at:.0}"),
    }
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds))
}

/// Returns the provider's `Date`, or the time at which the request was sent.
pub(super) fn server_date(headers: &HeaderMap, sent_at: Timestamp) -> Timestamp {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    date.and_then(parse_http_date).unwrap_or(sent_at)
}

/// Reads the timestamp of a raw record from the declared field. Returns `None` if `since` uses the provider's clock.
pub(super) fn record_time(since: &Since, record: &str) -> Result<Option<Timestamp>> {
    let SinceFrom::Field(field) = since.from else { return Ok(None) };
    let value = path::lookup(record, field);
    value.and_then(|value| time::from_json(value.get())).map(Some).ok_or_else(|| {
        let found = value.map_or("nothing", |value| value.get());
        let message = format!("expected a timestamp at `{field}`, which `since` reads, but found {found}");
        Error::new(ErrorKind::Decode, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVERLAP: Duration = Duration::from_mins(2);

    /// Returns the timestamp of a number of hours after 1970.
    fn hours(hours: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_hours(hours)
    }

    fn micros(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn since(overlap: u32, full_every: Option<u32>) -> Since {
        Since {
            param: "since",
            format: SinceFormat::Rfc3339,
            from: SinceFrom::Field("updated_at"),
            overlap,
            full_every,
        }
    }

    fn state(since: Option<Timestamp>, full_at: Option<Timestamp>) -> SyncState {
        SyncState { since, full_at, ..SyncState::default() }
    }

    #[test]
    fn first_run_and_due_full_run_send_no_value() {
        let check = |stored, full_every, full_at, expect| {
            assert_eq!(since_value(&since(120, full_every), &state(stored, full_at), hours(10)), expect);
        };
        check(None, None, None, None);
        check(Some(hours(9)), None, None, Some(hours(9) - OVERLAP));
        check(Some(hours(9)), Some(7_200), Some(hours(7)), None);
        check(Some(hours(9)), Some(7_200), Some(hours(9)), Some(hours(9) - OVERLAP));
    }

    #[test]
    fn position_based_walk_sends_the_value_before_the_last_and_is_full_each_week() {
        let mut stored = SyncState { full_at: Some(hours(0)), ..SyncState::default() };
        stored = advance(&stored, Some(hours(1)), true);
        assert_eq!(since_value(&since(0, None), &stored, hours(2)), None, "the second run is full as well");
        stored = advance(&stored, Some(hours(2)), true);
        assert_eq!(since_value(&since(0, None), &stored, hours(3)), Some(hours(1)));
        assert_eq!(since_value(&since(0, None), &stored, hours(7 * 24)), None);
        let one_request = advance(&stored, Some(hours(3)), false);
        assert_eq!(since_value(&since(0, None), &one_request, hours(4)), Some(hours(3)));
        assert_eq!(advance(&stored, None, true).since, Some(hours(2)), "a window without records changes nothing");
    }

    #[test]
    fn stored_value_in_the_future_makes_the_run_full() {
        assert_eq!(since_value(&since(0, None), &state(Some(hours(40)), Some(hours(0))), hours(10)), None);
    }

    #[test]
    fn next_value_is_never_later_than_the_first_date() {
        let by_field = since(0, None);
        assert_eq!(next_value(&by_field, Some(micros(9)), Some(micros(5))), Some(micros(5)));
        assert_eq!(next_value(&by_field, Some(micros(3)), Some(micros(5))), Some(micros(3)));
        assert_eq!(next_value(&by_field, None, Some(micros(5))), None);
        let by_clock = Since { from: SinceFrom::RunStart, ..by_field };
        assert_eq!(next_value(&by_clock, Some(micros(9)), Some(micros(5))), Some(micros(5)));
    }

    #[test]
    fn timestamp_is_written_in_the_declared_format() {
        let at = micros(1_763_812_800_123_456);
        assert_eq!(format_value(SinceFormat::Unix, at), "1763812800");
        assert_eq!(format_value(SinceFormat::UnixMs, at), "1763812800123");
        assert_eq!(format_value(SinceFormat::Rfc3339, at), "2025-11-22T12:00:00Z");
    }

    #[test]
    fn record_timestamp_is_read_in_every_supported_form() {
        let read = |json: &str| record_time(&since(0, None), json).map_err(|error| error.to_string());
        assert_eq!(read(r#"{"updated_at":"1970-01-01T01:00:02+01:00"}"#), Ok(Some(micros(2_000_000))));
        assert_eq!(read(r#"{"updated_at":1763812800}"#), Ok(Some(micros(1_763_812_800_000_000))));
        assert_eq!(read(r#"{"updated_at":"1763812800123"}"#), Ok(Some(micros(1_763_812_800_123_000))));
        let error = read(r#"{"updated_at":null}"#).unwrap_err();
        assert_eq!(error, "expected a timestamp at `updated_at`, which `since` reads, but found null");
    }

    #[test]
    fn date_header_of_the_provider_replaces_the_local_clock() {
        let mut headers = HeaderMap::new();
        assert_eq!(server_date(&headers, micros(7)), micros(7));
        headers.insert(DATE, "Thu, 01 Jan 1970 00:00:02 GMT".parse().unwrap());
        assert_eq!(server_date(&headers, micros(7)), micros(2_000_000));
    }
}
