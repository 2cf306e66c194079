//! Environment variables of the integrations: values that belong to the installation, not to a connection.
//!
//! The sources are the `[environment]` table of `nango.toml` and the variables `NANGO_ENV_*` of the process. Functions
//! cannot read the rest of the process's environment, which contains keys and database passwords.

use std::collections::BTreeMap;

use super::Nango;
use crate::error::{Error, ErrorKind, Result};

impl Nango {
    /// Returns the value of a required variable. The error explains how to set it.
    pub fn env(&self, name: &str) -> Result<&str> {
        self.env_opt(name).ok_or_else(|| {
            Error::new(
                ErrorKind::Connection,
                format!(
                    "the environment variable `{name}` is not set: start with `NANGO_ENV_{name}=…`, \
                     or put `{name} = \"…\"` under `[environment]` in nango.toml"
                ),
            )
        })
    }

    /// Returns the value of an optional variable.
    pub fn env_opt(&self, name: &str) -> Option<&str> {
        self.context().environment.get(name).map(String::as_str)
    }

    /// Returns all variables of the integrations.
    pub fn environment_variables(&self) -> &BTreeMap<String, String> {
        &self.context().environment
    }
}
