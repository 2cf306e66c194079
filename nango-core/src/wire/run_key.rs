//! Beginning of the JSON of a run: its id, its function and its status.

use serde::Serialize;
use uuid::Uuid;

use crate::store::FunctionKey;

/// Id, function and status of a run, which stand at the beginning of its JSON.
#[derive(Debug, Serialize)]
pub(super) struct RunKeyJson<'a> {
    run_id: String,
    integration: &'a str,
    function: &'a str,
    r#type: &'static str,
    connection: &'a str,
    variant: &'a str,
    status: &'static str,
}

impl<'a> RunKeyJson<'a> {
    /// Creates the JSON of a run with this id.
    pub(super) fn new(id: Uuid, key: &'a FunctionKey, status: &'static str) -> Self {
        Self {
            run_id: id.to_string(),
            integration: &key.integration,
            function: &key.function,
            r#type: key.kind.name(),
            connection: &key.connection,
            variant: &key.variant,
            status,
        }
    }
}
