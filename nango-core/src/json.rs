//! Decoding of external JSON: responses of APIs and token servers, credentials, input, metadata.
//!
//! All external JSON is decoded here, so that the same rules apply everywhere: a byte order mark is skipped, a body
//! that is not UTF-8 is decoded by its declared charset, an error names the field and quotes no value, and a number
//! that a [`serde_json::Value`] would round is refused.
//!
//! This is a base module: models, errors, HTTP and the command line use it.

mod decode;
mod error;
mod exact;
mod number;
mod text;

pub(crate) use decode::{decode, decode_str, decode_value, parse_rounding, short_name, value_or_text};
pub(crate) use error::DecodeError;
#[cfg(feature = "server")]
pub(crate) use exact::deserialize_exact;
#[cfg(feature = "server")]
pub(crate) use number::has_inexact;
pub(crate) use text::{body_text, body_text_lossy, charset, strip_bom};
