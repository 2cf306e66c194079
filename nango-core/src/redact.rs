//! Redaction of secrets in every text that is shown, logged, stored or sent to third parties.
//!
//! A [`Redactor`] has the secrets of one connection and its app and replaces them with `***`, in every encoding in
//! which a server may repeat them. [`is_secret_name`] classifies values by their names alone, for values that are not
//! known secrets of a connection. `printable` and `truncated` make a text safe for a terminal and bound its length;
//! `without_value` removes the value from a decoding error.
//!
//! This is a base module without dependencies on other areas: errors, HTTP, credentials, the store and the terminal use
//! it.
//!
//! Invariant: a text is redacted before it is truncated, so that no part of a secret is left at its end.

mod mismatch;
mod names;
mod patterns;
mod redactor;
mod text;
mod views;

pub(crate) use mismatch::{INEXACT, without_value};
pub(crate) use names::has_userinfo;
pub(crate) use names::is_secret_name;
pub use redactor::Redactor;
pub(crate) use text::{MAX_MESSAGE_BYTES, one_line, printable, printable_json, printable_value, truncated};
pub(crate) use views::fully_decoded;
