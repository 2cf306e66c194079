//! Settings of the consent page, to which the browser of a user is sent.

use super::{Param, Template};

/// Consent page of a provider and its protocol.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "the format has as many switches")]
pub struct Authorization {
    /// URL of the consent page.
    pub url: Option<Template>,
    /// Parameters in addition to those of the protocol.
    pub params: Vec<(String, Param)>,
    /// Callback parameter that contains the code. Default: `code`.
    pub code_param: String,
    /// Path of the code in the body of a webhook, if it is sent there.
    pub webhook_code_path: Option<String>,
    /// Whether a PKCE challenge (S256) is sent. Default: true.
    pub pkce: bool,
    /// Whether scopes are not URL-encoded.
    pub unencoded_scopes: bool,
    /// Whether the values of the URL template are not URL-encoded.
    pub unencoded_values: bool,
    /// Whether parameters without a value are omitted.
    pub skip_empty: bool,
    /// Text that separates parameters from the URL after `#`, for pages that read them there.
    pub fragment: Option<String>,
    /// Texts that are replaced in the finished URL, the first occurrence of each, in this order.
    pub replacements: Vec<(String, String)>,
    /// Whether the flow starts at the provider only.
    pub provider_initiated: bool,
    /// Callback parameters that are stored as connection configuration.
    pub redirect_metadata: Vec<String>,
    /// Client registration, if clients are not registered manually.
    pub registration: Option<Registration>,
    /// Settings of OAuth 1, if that is the protocol.
    pub oauth1: Option<OAuth1>,
}

impl Default for Authorization {
    fn default() -> Self {
        Self {
            url: None,
            params: Vec::new(),
            code_param: "code".to_owned(),
            webhook_code_path: None,
            pkce: true,
            unencoded_scopes: false,
            unencoded_values: false,
            skip_empty: false,
            fragment: None,
            replacements: Vec::new(),
            provider_initiated: false,
            redirect_metadata: Vec::new(),
            registration: None,
            oauth1: None,
        }
    }
}

/// Registration of a client.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Registration {
    /// Method of the registration.
    pub kind: RegistrationKind,
    /// URL of the registration endpoint.
    pub url: Option<Template>,
    /// Fields of the registration request.
    pub params: Vec<(String, Param)>,
}

impl Registration {
    pub(super) fn new(kind: RegistrationKind, url: Option<Template>, params: Vec<(String, Param)>) -> Self {
        Self { kind, url, params }
    }
}

/// Method of client registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationKind {
    /// Dynamic client registration (RFC 7591).
    Dynamic,
    /// Manual registration.
    Static,
    /// The client id is the URL of a metadata document.
    Metadata,
}

/// Settings of the OAuth 1 flow.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OAuth1 {
    /// URL for request tokens.
    pub request_url: Option<Template>,
    /// Fields of the request for a request token.
    pub request_params: Vec<(String, Param)>,
    /// Signature method. Default: HMAC-SHA1.
    pub method: OAuth1Method,
    /// Whether request tokens are requested with `GET`.
    pub request_token_via_get: bool,
    /// Whether access tokens are requested with `GET`.
    pub access_token_via_get: bool,
}

impl OAuth1 {
    pub(super) fn new(
        request_url: Option<Template>,
        request_params: Vec<(String, Param)>,
        method: OAuth1Method,
    ) -> Self {
        Self { request_url, request_params, method, request_token_via_get: false, access_token_via_get: false }
    }
}

/// Signature method of OAuth 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OAuth1Method {
    /// Signature with `HMAC-SHA1`.
    #[default]
    HmacSha1,
    /// Signature with `HMAC-SHA256`.
    HmacSha256,
    /// `PLAINTEXT`: the secrets themselves, over TLS.
    Plaintext,
}
