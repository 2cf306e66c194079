//! How a person is asked for consent: what a browser is sent to.

use super::{Param, Template};

/// What a provider's entry says of the page where a person consents.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "the format has as many switches")]
pub struct Authorization {
    /// The page.
    pub url: Option<Template>,
    /// Its parameters, beside those of the protocol.
    pub params: Vec<(String, Param)>,
    /// The parameter in which the code comes back. Default: `code`.
    pub code_param: String,
    /// Where in a webhook's body the code comes, if it comes there.
    pub webhook_code_path: Option<String>,
    /// Whether a challenge is sent (PKCE, S256). Default: yes.
    pub pkce: bool,
    /// Whether scopes stand in the URL as they are.
    pub unencoded_scopes: bool,
    /// Whether the values of the URL's template stand in it as they are.
    pub unencoded_values: bool,
    /// Whether parameters without a value are left out.
    pub skip_empty: bool,
    /// Parameters stand behind `#` and this, for pages that read them there.
    pub fragment: Option<String>,
    /// Texts that are replaced in the finished URL, the first occurrence of each, in this order.
    pub replacements: Vec<(String, String)>,
    /// Whether it begins at the provider, never here.
    pub provider_initiated: bool,
    /// Parameters of the way back that become configuration of the connection.
    pub redirect_metadata: Vec<String>,
    /// How an app comes to its id, where nobody registers one by hand.
    pub registration: Option<Registration>,
    /// The three steps of OAuth 1, where that is the protocol.
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

/// How an app comes to its id.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Registration {
    /// The way.
    pub kind: RegistrationKind,
    /// Where it registers itself.
    pub url: Option<Template>,
    /// What it says of itself there.
    pub params: Vec<(String, Param)>,
}

impl Registration {
    pub(super) fn new(kind: RegistrationKind, url: Option<Template>, params: Vec<(String, Param)>) -> Self {
        Self { kind, url, params }
    }
}

/// The way an app comes to its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationKind {
    /// It registers itself (RFC 7591).
    Dynamic,
    /// Somebody registers it by hand.
    Static,
    /// Its id is the address of a document about it.
    Metadata,
}

/// The first steps of OAuth 1.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OAuth1 {
    /// Where a request token is obtained.
    pub request_url: Option<Template>,
    /// The fields of that request.
    pub request_params: Vec<(String, Param)>,
    /// How requests are signed. Default: HMAC-SHA1.
    pub method: OAuth1Method,
    /// Whether a request token is asked for with `GET`.
    pub request_token_via_get: bool,
    /// Whether an access token is asked for with `GET`.
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

/// How OAuth 1 signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OAuth1Method {
    /// `HMAC-SHA1`.
    #[default]
    HmacSha1,
    /// `HMAC-SHA256`.
    HmacSha256,
    /// `PLAINTEXT`: the secrets themselves, over TLS.
    Plaintext,
}
