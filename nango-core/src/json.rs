//! Reading JSON that somebody else wrote: answers of APIs and token servers, credentials, input, metadata.
//!
//! All of it is read here, so that one rule holds everywhere: a byte order mark is skipped, a body that is not UTF-8 is
//! read by its declared charset, an error names the field and quotes no value, and a number that a [`serde_json::Value`]
//! would round is refused.
//!
//! It is a ground module, because models, errors, the pipeline and the command line use it.

mod decode;
mod exact;
mod number;
mod text;

pub(crate) use decode::{DecodeError, decode, decode_str, decode_value, parse_rounding, short_name, value_or_text};
pub(crate) use text::{body_text, body_text_lossy, charset, strip_bom};
