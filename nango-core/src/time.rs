//! Time: the timestamp type, its parsers and formats, spans, the clock and the source of randomness.
//!
//! Timestamps are [`Timestamp`]s; spans are [`Duration`](std::time::Duration)s. Conversions and arithmetic saturate, so
//! that a value from a provider cannot overflow. Only this module reads numbers, dates and spans of providers.

mod clock;
mod entropy;
mod epoch;
mod format;
mod http_date;
mod json;
pub(crate) mod micros;
mod read;
mod span;
mod time_spec;
mod timestamp;

pub use clock::{Clock, SystemClock};
pub use entropy::Entropy;
pub(crate) use format::{DateFormat, format_span, rounded_to_seconds};
pub(crate) use http_date::parse_http_date;
pub(crate) use read::{from_float, from_integer, from_json, from_text, from_value};
pub(crate) use span::{parse_span, saturating_micros};
pub(crate) use time_spec::{TimeSpec, Unit, parse_time_spec};
pub use timestamp::Timestamp;
