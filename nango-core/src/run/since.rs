//! Incremental mappers, `since(…)`: the value that a run requests, and the value for the next run.
//!
//! Times are microseconds since 1970 (UTC) by the clock of the provider: its `Date`, or the greatest value of a field,
//! limited to that `Date`, because records that change during the walk may be missed and must be requested again.

use jiff::{SpanRound, Timestamp, Unit};
use reqwest::header::{DATE, HeaderMap};

use super::resume::SyncState;
use crate::{
    declare::{Since, SinceFormat, SinceFrom},
    error::{Error, ErrorKind, Result},
    http::parse_http_date,
    paginate::path,
    time,
};

/// Interval between full runs if position-based pagination may skip an update, in seconds.
const POSITION_FULL_EVERY: u32 = 7 * 24 * 3_600;
/// Maximum time by which a stored value may be ahead of the local clock, in microseconds.
const MAX_FUTURE_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// Returns the value that a run sends, or `None` if the run is full: the first run, the run after a reset, and a run
/// when a full one is due.
///
/// After a position-based walk with several requests it is the previous value: each window is read twice, so that a
/// record that was skipped by one walk is read by the next.
pub(super) fn since_value(since: &Since, state: &SyncState, now: i64) -> Option<i64> {
    let full_every = since.full_every.or(state.position_based.then_some(POSITION_FULL_EVERY));
    let due = full_every
        .is_some_and(|every| state.full_at.is_none_or(|last| now.saturating_sub(last) >= i64::from(every) * 1_000_000));
    let stored = if state.position_based { state.previous_since } else { state.since };
    // A value in the future would request no records until that time.
    let stored = stored.filter(|stored| !due && *stored <= now.saturating_add(MAX_FUTURE_MICROS));
    stored.map(|value| value.saturating_sub(i64::from(since.overlap) * 1_000_000))
}

/// Returns the state after a complete walk.
pub(super) fn advance(state: &SyncState, next: Option<i64>, shifts: bool) -> SyncState {
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
pub(super) fn next_value(since: &Since, newest: Option<i64>, first_date: Option<i64>) -> Option<i64> {
    match since.from {
        SinceFrom::RunStart => first_date,
        SinceFrom::Field(_) => newest.map(|newest| first_date.map_or(newest, |date| newest.min(date))),
    }
}

/// Formats a timestamp as the value of the parameter.
pub(super) fn format_value(format: SinceFormat, micros: i64) -> Result<String> {
    match format {
        SinceFormat::Unix => Ok(micros.div_euclid(1_000_000).to_string()),
        SinceFormat::UnixMs => Ok(micros.div_euclid(1_000).to_string()),
        SinceFormat::Rfc3339 => {
            let timestamp = Timestamp::from_microsecond(micros).map_err(|error| {
                Error::new(ErrorKind::Internal, format!("{micros} µs since 1970 is not a valid timestamp: {error}"))
            })?;
            Ok(format!("{timestamp:.0}"))
        }
    }
}

/// Returns the provider's `Date`, or the time at which the request was sent.
pub(super) fn server_date(headers: &HeaderMap, sent_at: i64) -> i64 {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    date.and_then(parse_http_date).unwrap_or(sent_at)
}

/// Reads the timestamp of a raw record from the declared field. Returns `None` if `since` uses the provider's clock.
pub(super) fn record_time(since: &Since, record: &str) -> Result<Option<i64>> {
    let SinceFrom::Field(field) = since.from else { return Ok(None) };
    let value = path::lookup(record, field);
    value.and_then(|value| time::from_json(value.get())).map(Some).ok_or_else(|| {
        let found = value.map_or("nothing", |value| value.get());
        let message = format!("expected a timestamp at `{field}`, which `since` reads, but found {found}");
        Error::new(ErrorKind::Decode, message)
    })
}

/// Formats a duration for the log, such as `2h 5m`.
pub(super) fn format_duration(micros: i64) -> String {
    let span = jiff::Span::new().microseconds(micros);
    span.round(SpanRound::new().largest(Unit::Hour).smallest(Unit::Second))
        .map_or_else(|_| format!("{} s", micros / 1_000_000), |span| format!("{span:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn since(overlap: u32, full_every: Option<u32>) -> Since {
        Since {
            param: "since",
            format: SinceFormat::Rfc3339,
            from: SinceFrom::Field("updated_at"),
            overlap,
            full_every,
        }
    }

    fn state(since: Option<i64>, full_at: Option<i64>) -> SyncState {
        SyncState { since, full_at, ..SyncState::default() }
    }

    #[test]
    fn first_run_and_due_full_run_send_no_value() {
        let check = |stored, full_every, full_at, expect| {
            assert_eq!(since_value(&since(120, full_every), &state(stored, full_at), 10 * HOUR), expect);
        };
        check(None, None, None, None);
        check(Some(9 * HOUR), None, None, Some(9 * HOUR - 120_000_000));
        check(Some(9 * HOUR), Some(7_200), Some(7 * HOUR), None);
        check(Some(9 * HOUR), Some(7_200), Some(9 * HOUR), Some(9 * HOUR - 120_000_000));
    }

    #[test]
    fn position_based_walk_sends_the_value_before_the_last_and_is_full_each_week() {
        let mut stored = SyncState { full_at: Some(0), ..SyncState::default() };
        stored = advance(&stored, Some(HOUR), true);
        assert_eq!(since_value(&since(0, None), &stored, 2 * HOUR), None, "the second run is full as well");
        stored = advance(&stored, Some(2 * HOUR), true);
        assert_eq!(since_value(&since(0, None), &stored, 3 * HOUR), Some(HOUR));
        assert_eq!(since_value(&since(0, None), &stored, 7 * 24 * HOUR), None);
        let one_request = advance(&stored, Some(3 * HOUR), false);
        assert_eq!(since_value(&since(0, None), &one_request, 4 * HOUR), Some(3 * HOUR));
        assert_eq!(advance(&stored, None, true).since, Some(2 * HOUR), "a window without records changes nothing");
    }

    #[test]
    fn stored_value_in_the_future_makes_the_run_full() {
        assert_eq!(since_value(&since(0, None), &state(Some(40 * HOUR), Some(0)), 10 * HOUR), None);
    }

    #[test]
    fn next_value_is_never_later_than_the_first_date() {
        let by_field = since(0, None);
        assert_eq!(next_value(&by_field, Some(9), Some(5)), Some(5));
        assert_eq!(next_value(&by_field, Some(3), Some(5)), Some(3));
        assert_eq!(next_value(&by_field, None, Some(5)), None);
        let by_clock = Since { from: SinceFrom::RunStart, ..by_field };
        assert_eq!(next_value(&by_clock, Some(9), Some(5)), Some(5));
    }

    #[test]
    fn timestamp_is_written_in_the_declared_format() {
        let micros = 1_763_812_800_123_456;
        assert_eq!(format_value(SinceFormat::Unix, micros).unwrap(), "1763812800");
        assert_eq!(format_value(SinceFormat::UnixMs, micros).unwrap(), "1763812800123");
        assert_eq!(format_value(SinceFormat::Rfc3339, micros).unwrap(), "2025-11-22T12:00:00Z");
    }

    #[test]
    fn record_timestamp_is_read_in_every_supported_form() {
        let read = |json: &str| record_time(&since(0, None), json).map_err(|error| error.to_string());
        assert_eq!(read(r#"{"updated_at":"1970-01-01T01:00:02+01:00"}"#), Ok(Some(2_000_000)));
        assert_eq!(read(r#"{"updated_at":1763812800}"#), Ok(Some(1_763_812_800_000_000)));
        assert_eq!(read(r#"{"updated_at":"1763812800123"}"#), Ok(Some(1_763_812_800_123_000)));
        let error = read(r#"{"updated_at":null}"#).unwrap_err();
        assert_eq!(error, "expected a timestamp at `updated_at`, which `since` reads, but found null");
    }

    #[test]
    fn date_header_of_the_provider_replaces_the_local_clock() {
        let mut headers = HeaderMap::new();
        assert_eq!(server_date(&headers, 7), 7);
        headers.insert(DATE, "Thu, 01 Jan 1970 00:00:02 GMT".parse().unwrap());
        assert_eq!(server_date(&headers, 7), 2_000_000);
    }
}
