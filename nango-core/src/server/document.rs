//! The OpenAPI document, made on its first use: few servers are asked for it. That of a key which is limited to
//! integrations is made for each request.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::declare::Registry;

/// Function that makes the document of a registry, whose URLs begin with a text, with the schemas of these integrations
/// or of all.
type Make = fn(&Registry, &str, Option<&[String]>) -> Result<Bytes, String>;

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

    /// Returns the JSON, with the schemas of the `allowed` integrations or of all.
    ///
    /// # Errors
    ///
    /// Fails with the reason why the document cannot be made.
    pub(super) fn json(
        &self,
        registry: &Registry,
        public_url: &str,
        allowed: Option<&[String]>,
    ) -> Result<Bytes, String> {
        match allowed {
            Some(_) => (self.make)(registry, public_url, allowed),
            None => self.made.get_or_init(|| (self.make)(registry, public_url, None)).clone(),
        }
    }
}
