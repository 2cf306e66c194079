//! `since(…)`: what an incremental mapper asks for, and what the next run will ask for.
//!
//! Moments are microseconds since 1970. The provider's own words decide: its `Date`, or the greatest value of a field;
//! never this machine's clock, unless the provider sends no `Date`.

use jiff::{SpanRound, Timestamp, Unit};
use reqwest::header::{DATE, HeaderMap};

use crate::{
    declare::{Since, SinceFormat, SinceFrom},
    error::{Error, ErrorKind, Result},
    http::parse_http_date,
    paginate::path,
    time,
};

/// What a run asks for: nothing the first time, after a reset, and when a full run is due.
pub(super) fn asked(since: &Since, stored: Option<i64>, full_at: Option<i64>, now: i64) -> Option<i64> {
    let due = since
        .full_every
        .is_some_and(|every| full_at.is_none_or(|last| now.saturating_sub(last) >= i64::from(every) * 1_000_000));
    if due { None } else { stored.map(|moment| moment - i64::from(since.overlap) * 1_000_000) }
}

/// The moment as the parameter's value.
pub(super) fn write(format: SinceFormat, moment: i64) -> Result<String> {
    match format {
        SinceFormat::Unix => Ok(moment.div_euclid(1_000_000).to_string()),
        SinceFormat::UnixMs => Ok(moment.div_euclid(1_000).to_string()),
        SinceFormat::Rfc3339 => {
            let stamp = Timestamp::from_microsecond(moment).map_err(|error| {
                Error::new(ErrorKind::Internal, format!("{moment} is no moment that can be written: {error}"))
            })?;
            Ok(format!("{stamp:.0}"))
        }
    }
}

/// The provider's `Date`, or the moment at which the request was sent.
pub(super) fn date_of(headers: &HeaderMap, sent_at: i64) -> i64 {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    date.and_then(parse_http_date).unwrap_or(sent_at)
}

/// The moment that a raw record carries in the declared field; `None` where the provider's clock decides.
pub(super) fn of_record(since: &Since, record: &str) -> Result<Option<i64>> {
    let SinceFrom::Field(field) = since.from else { return Ok(None) };
    let value = path::dig(record, field);
    value.and_then(|value| time::from_json(value.get())).map(Some).ok_or_else(|| {
        let found = value.map_or("nothing", |value| value.get());
        Error::new(ErrorKind::Decode, format!("it has no moment at `{field}`, which `since` reads, but {found}"))
    })
}

/// A duration for people: `2h 5m`, for the log.
pub(super) fn age(micros: i64) -> String {
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

    #[test]
    fn the_first_run_and_a_full_one_ask_for_everything() {
        let check = |stored, full_every, full_at, expect| {
            assert_eq!(asked(&since(120, full_every), stored, full_at, 10 * HOUR), expect);
        };
        check(None, None, None, None);
        check(Some(9 * HOUR), None, None, Some(9 * HOUR - 120_000_000));
        check(Some(9 * HOUR), Some(7_200), Some(7 * HOUR), None);
        check(Some(9 * HOUR), Some(7_200), Some(9 * HOUR), Some(9 * HOUR - 120_000_000));
    }

    #[test]
    fn a_moment_is_written_as_declared() {
        let moment = 1_763_812_800_123_456;
        assert_eq!(write(SinceFormat::Unix, moment).unwrap(), "1763812800");
        assert_eq!(write(SinceFormat::UnixMs, moment).unwrap(), "1763812800123");
        assert_eq!(write(SinceFormat::Rfc3339, moment).unwrap(), "2025-11-22T12:00:00Z");
    }

    #[test]
    fn a_record_tells_its_moment_in_any_of_its_forms() {
        let read = |json: &str| of_record(&since(0, None), json).map_err(|error| error.to_string());
        assert_eq!(read(r#"{"updated_at":"1970-01-01T01:00:02+01:00"}"#), Ok(Some(2_000_000)));
        assert_eq!(read(r#"{"updated_at":1763812800}"#), Ok(Some(1_763_812_800_000_000)));
        assert_eq!(read(r#"{"updated_at":"1763812800123"}"#), Ok(Some(1_763_812_800_123_000)));
        let error = read(r#"{"updated_at":null}"#).unwrap_err();
        assert_eq!(error, "it has no moment at `updated_at`, which `since` reads, but null");
    }

    #[test]
    fn the_date_of_the_provider_decides() {
        let mut headers = HeaderMap::new();
        assert_eq!(date_of(&headers, 7), 7);
        headers.insert(DATE, "Thu, 01 Jan 1970 00:00:02 GMT".parse().unwrap());
        assert_eq!(date_of(&headers, 7), 2_000_000);
    }
}
