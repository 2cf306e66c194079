//! Lines of a recording.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{body::RecordedBody, transport_error::RecordedError};
use crate::time::Timestamp;

/// Version of the format. A file of a later version is refused.
pub(crate) const FORMAT: u32 = 1;

/// A line of a recording.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line: what was run.
    Recording(Box<Header>),
    /// Stored rows that the run starts from.
    Rows(Rows),
    /// A request and its response.
    Exchange(Box<Exchange>),
    /// Result of the credentials: a token that was refreshed after a 401, or an error.
    Credentials(CredentialsOutcome),
    /// A random value that the run used.
    Random(Random),
    /// The last line: the report of the run.
    End(End),
}

/// Description of a recorded run and its connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Version of the format.
    pub(crate) format: u32,
    /// Version of the program.
    pub(crate) program: String,
    /// Name of the integration.
    pub(crate) integration: String,
    /// Name of the function.
    pub(crate) function: String,
    /// Type of the function, such as `sync`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Id of the connection.
    pub(crate) connection: String,
    /// Variant of the sync.
    pub(crate) variant: String,
    /// Sync of the webhook handler that was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sync: Option<String>,
    /// Type of the webhook, if its handler was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) webhook: Option<String>,
    /// Input of an action, or payload of a webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) input: Option<Value>,
    /// Options of the run.
    #[serde(default)]
    pub(crate) options: Options,
    /// Name of the provider.
    pub(crate) provider: String,
    /// Base URL of the connection.
    pub(crate) base_url: String,
    /// Other origins that receive the credentials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) trusted_origins: Vec<String>,
    /// Credentials of the connection, with placeholders.
    pub(crate) credentials: Value,
    /// Environment variables of the functions, with placeholders for those that are secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) environment: BTreeMap<String, String>,
    /// Time of the database when the run started.
    pub(crate) started_at: Timestamp,
}

/// Options of a recorded run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "the options are independent of each other")]
pub(crate) struct Options {
    /// Metadata in place of the connection's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<Map<String, Value>>,
    /// Checkpoint in place of the stored one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checkpoint: Option<Value>,
    /// Whether checkpoint and resume state were removed first.
    pub(crate) reset: bool,
    /// Whether the records were removed first.
    pub(crate) empty_cache: bool,
    /// Whether the whole list was read.
    pub(crate) full: bool,
    /// Whether held deletes were applied.
    pub(crate) allow_deletes: bool,
    /// Whether nothing was stored.
    pub(crate) dry_run: bool,
}

/// Rows of a table.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Rows {
    /// Name of the table.
    pub(super) table: String,
    /// The rows, by column; columns without a value are omitted.
    pub(super) rows: Vec<BTreeMap<String, Value>>,
}

/// A request and its response, or the error in place of a response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Exchange {
    /// Number of the request, in the order in which they were sent.
    pub(super) n: u64,
    /// The request, without credentials.
    pub(super) request: RecordedRequest,
    /// The response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<RecordedResponse>,
    /// Error in place of the response, or after a part of its body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<RecordedError>,
    /// Time at which the request was sent.
    pub(super) sent_at: Timestamp,
    /// Time at which the response, or the error, was complete.
    pub(super) ended_at: Timestamp,
}

impl Exchange {
    /// Returns whether the recorded run waited for the response, so that a replay has to ask for it.
    pub(super) fn is_required(&self) -> bool {
        let is_dropped = matches!(self.error, None | Some(RecordedError::Cancelled | RecordedError::Unread));
        self.response.is_some() || !is_dropped
    }
}

/// A request as the function describes it, before credentials are added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RecordedRequest {
    /// Id of the record whose list the request reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<String>,
    /// The HTTP method.
    pub(super) method: String,
    /// The URL, with its query.
    pub(super) url: String,
    /// Headers that are not secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) headers: Vec<(String, String)>,
    /// The body.
    #[serde(flatten)]
    pub(super) body: RecordedBody,
}

/// A response with its body, as far as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RecordedResponse {
    /// The HTTP status code.
    pub(super) status: u16,
    /// The headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) headers: Vec<(String, String)>,
    /// The body as it was received, as far as it was read.
    #[serde(flatten)]
    pub(super) body: RecordedBody,
}

/// Result of using or refreshing the credentials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CredentialsOutcome {
    /// Number of the request before which the credentials could not be used; `None`: the result after a 401.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<u64>,
    /// Whether there were newer credentials after a 401.
    #[serde(default)]
    pub(super) refreshed: bool,
    /// Kind and text of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<(String, String)>,
}

/// A random value that the run used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Random {
    /// Spread of a wait before a retry, in `0.0..1.0`.
    Jitter(f64),
    /// An id.
    Id(uuid::Uuid),
    /// 128 random bits, in hexadecimal.
    Bits(String),
}

/// End of a recording.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct End {
    /// Report of the run, as `registry run --json` prints it.
    pub(super) report: Value,
}
