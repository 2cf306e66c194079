//! Log of the server: one record per request, and events of the server itself.

use std::{net::IpAddr, time::Duration};

use axum::http::{Method, StatusCode};
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::{
    redact::{Redactor, one_line, truncated},
    time::Timestamp,
};

/// Maximum length of the path of an unknown route in the log, in bytes.
const MAX_PATH_BYTES: usize = 200;

/// Receiver of the log. It must not block.
pub(crate) trait ServerLog: Send + Sync {
    /// Receives the record of a request whose response is ready.
    fn on_request(&self, record: &AccessRecord<'_>);

    /// Receives an event of the server: its name, and a description that has no secret.
    fn on_event(&self, name: &'static str, message: &str);
}

/// Record of a request. It has neither the query string nor parts of bodies, and no values of the path.
#[derive(Debug, Serialize)]
pub(crate) struct AccessRecord<'a> {
    /// Time of the response.
    #[serde(serialize_with = "as_text")]
    pub time: Timestamp,
    /// Id of the request, as in the header `X-Request-Id` of the response.
    pub request: Uuid,
    /// Address of the client.
    pub peer: IpAddr,
    /// Method of the request.
    #[serde(serialize_with = "as_text")]
    pub method: &'a Method,
    /// Path of the route, with the names of its parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<&'static str>,
    /// Path of a request that has no route, without secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Status of the response.
    #[serde(serialize_with = "as_number")]
    pub status: StatusCode,
    /// Time until the response was ready, in milliseconds.
    #[serde(rename = "duration_ms", serialize_with = "as_milliseconds")]
    pub duration: Duration,
    /// Id of the API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Uuid>,
    /// Code of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Reason of an error of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// Returns the path of an unknown route for the log. The key of the request is a secret that a client may have put
/// there too.
pub(super) fn logged_path(path: &str, key: Option<&str>) -> String {
    let redactor = Redactor::new(key.map(|key| key.to_owned().into()));
    let hidden = redactor.hide(path);
    truncated(one_line(&hidden).into(), MAX_PATH_BYTES).into_owned()
}

fn as_text<T: std::fmt::Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn as_number<S: Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

fn as_milliseconds<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    // Rounded to microseconds.
    #[expect(clippy::cast_precision_loss, reason = "requests take less than the 285 years that fit exactly")]
    to.serialize_f64(duration.as_micros() as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logged_path_has_no_key_and_is_short() {
        let path = logged_path("/a/nango_0123456789/b%0a", Some("nango_0123456789"));
        assert_eq!(path, "/a/***/b%0a");
        assert!(logged_path(&"/x".repeat(1000), None).len() <= MAX_PATH_BYTES);
    }
}
