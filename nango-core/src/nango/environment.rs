//! Environment variables of the integrations: values that belong to the installation, not to a customer.
//!
//! They are the `[environment]` table of `nango.toml` and the process's `NANGO_ENV_*`; the rest of the process's
//! environment, where keys and database passwords stand, is not reachable.

use std::collections::BTreeMap;

use super::Nango;
use crate::error::{Error, ErrorKind, Result};

impl Nango {
    /// A value that must be there; the error says where to set it.
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

    /// A value that may be there.
    pub fn env_opt(&self, name: &str) -> Option<&str> {
        self.context().environment.get(name).map(String::as_str)
    }

    /// All of them.
    pub fn environment_variables(&self) -> &BTreeMap<String, String> {
        &self.context().environment
    }
}
