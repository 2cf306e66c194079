//! Providers of the HTTP API: the entries of the catalogue as they are written, with name and logo.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::provider::Provider;

/// Provider of the catalogue: the fields of its entry, with name and logo.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Provider")]
pub(crate) struct ProviderJson<'a> {
    /// Name in the catalogue.
    name: &'a str,
    /// Display name.
    display_name: &'a str,
    /// Default auth mode, such as `OAUTH2`.
    auth_mode: &'static str,
    /// URL of the logo.
    #[schemars(extend("format" = "uri"))]
    logo_url: String,
    /// Other fields of the entry.
    #[serde(flatten)]
    entry: Map<String, Value>,
}

/// Returns the URL of a logo in Nango's form, below the URL of the server. The server has no images: logos belong to
/// the companies whose APIs the catalogue describes.
pub(crate) fn provider_logo(public_url: &str, provider: &str) -> String {
    format!("{public_url}/images/template-logos/{provider}.svg")
}

impl<'a> ProviderJson<'a> {
    /// Creates the JSON of an entry. The logo is below the URL of the server, which has no slash at its end.
    pub(crate) fn new(provider: &'a Provider, public_url: &str) -> Self {
        let own = ["name", "display_name", "auth_mode", "logo_url"];
        let entry = provider.raw.iter().filter(|(key, _)| !own.contains(&key.as_str()));
        Self {
            name: &provider.name,
            display_name: &provider.display_name,
            auth_mode: provider.auth_mode.stored_name(),
            logo_url: provider_logo(public_url, &provider.name),
            entry: entry.map(|(key, value)| (key.clone(), value.clone())).collect(),
        }
    }
}
