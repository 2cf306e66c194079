//! Envelopes of responses, and bodies that are not read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Response with its value in `data`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Data<T> {
    /// The value.
    pub data: T,
}

/// Object with any fields.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AnyObject {
    #[serde(flatten)]
    _fields: Map<String, Value>,
}
