//! Decoding of values that users and APIs give.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    error::{Error, ErrorKind, Result},
    json::{DecodeError, decode_str, decode_value, short_name},
};

pub(super) fn read<T: DeserializeOwned>(value: &Value, kind: ErrorKind, what: &str) -> Result<T> {
    decode_value(value).map_err(|error| decode_error::<T>(kind, what, error))
}

/// Decodes a record of an API. The run adds the model and the position of the record in its page to the error.
pub fn decode<R: DeserializeOwned>(record: &str) -> Result<R> {
    decode_str(record).map_err(|error| decode_error::<R>(ErrorKind::Decode, "the record", error))
}

/// Formats an error such as `` the record does not fit `GithubIssue`: `user.login`: invalid type: null, expected a
/// string ``.
#[cold]
fn decode_error<T>(kind: ErrorKind, what: &str, error: DecodeError) -> Error {
    Error::new(kind, error).context(format!("{what} does not fit `{}`", short_name(std::any::type_name::<T>())))
}
