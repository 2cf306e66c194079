//! The OpenAPI document, made on its first use: few servers are asked for it.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::declare::Registry;

/// Function that makes the document of a registry, whose URLs begin with a text.
type Make = fn(&Registry, &str) -> Result<Bytes, String>;

/// The document as JSON.
#[derive(Debug)]
pub(crate) struct Document {
    make: Make,
    made: OnceLock<Result<Bytes, String>>,
}

impl Document {
    /// Creates the document that a function makes. It is passed in, because the function needs the table of routes.
    pub(super) fn new(make: Make) -> Self {
        Self { make, made: OnceLock::new() }
    }

    /// Returns the JSON.
    ///
    /// # Errors
    ///
    /// Fails with the reason why the document cannot be made.
    pub(super) fn json(&self, registry: &Registry, public_url: &str) -> Result<Bytes, String> {
        self.made.get_or_init(|| (self.make)(registry, public_url)).clone()
    }
}
