//! Redaction: secrets are hidden in every text that is shown, logged, stored or sent to somebody else.
//!
//! [`Redactor`] holds the secrets of one connection and its app and replaces them by `***`, in every form in which a
//! server may repeat them. [`is_secret_name`] judges by names alone, for values that no connection holds. `printable`
//! and `capped` make a text safe for a terminal and bound its length; `without_value` takes
//! the value out of a decoding error.
//!
//! It is a ground module, because errors, the pipeline, credentials, the store and the terminal all use it.
//!
//! Invariant: a text is redacted before it is cut, so that no part of a secret is left at its end.

mod mismatch;
mod names;
mod patterns;
mod redactor;
mod text;
mod views;

pub(crate) use mismatch::{INEXACT, without_value};
pub(crate) use names::has_userinfo;
pub use names::is_secret_name;
pub use redactor::Redactor;
pub(crate) use text::{MAX_MESSAGE_BYTES, one_line, printable, printable_json, printable_value, truncated};
