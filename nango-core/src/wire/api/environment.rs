//! Variables that functions read with `nango.env`.

use schemars::JsonSchema;
use serde::Serialize;

/// Variable of the environment.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EnvironmentVariable<'a> {
    /// Name that functions use.
    pub name: &'a str,
    /// Value, in plain text.
    pub value: &'a str,
}
