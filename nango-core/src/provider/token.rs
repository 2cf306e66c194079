//! Token settings of a provider: token requests, and location of the token in the response.
//!
//! One type covers all auth modes that yield a token. Defaults of the file format are already applied.

use std::time::Duration;

use reqwest::header::HeaderName;
use serde_json::Number;

use super::Template;

/// Settings of a provider for obtaining and refreshing tokens.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TokenSettings {
    /// Token endpoint, also used for refreshing if there is no `refresh_url`.
    pub url: Option<Template>,
    /// Token endpoint of app installations, if it is another one.
    pub app_url: Option<Template>,
    /// Endpoint for refreshing tokens.
    pub refresh_url: Option<Template>,
    /// Fields of a token request.
    pub params: Vec<(String, Param)>,
    /// Fields of a refresh request; `None` to use those of a token request.
    pub refresh_params: Option<Vec<(String, Param)>>,
    /// Headers of a token request.
    pub headers: Vec<(HeaderName, Template)>,
    /// Headers of a refresh request; empty to use those of a token request.
    pub refresh_headers: Vec<(HeaderName, Template)>,
    /// Whether tokens are requested with `GET` instead of `POST`.
    pub use_get: bool,
    /// Format of the request fields.
    pub body_format: BodyFormat,
    /// Client authentication.
    pub client_auth: ClientAuth,
    /// Separator of scopes. Default: a space.
    pub scope_separator: String,
    /// Scopes of an integration that sets none.
    pub default_scopes: Vec<String>,
    /// Format of the response.
    pub response: TokenResponse,
    /// Time before the expiry at which a token is refreshed. Default: 15 minutes.
    pub refresh_buffer: Duration,
    /// Requests after the first one. The last response contains the token.
    pub steps: Vec<TokenStep>,
    /// A locally signed token, used directly or as `${token}` in the fields.
    pub signed_token: Option<SignedToken>,
    /// A signed assertion, `${credentials.assertion}` in the fields.
    pub assertion: Option<Assertion>,
    /// Whether the server requires a client certificate.
    pub client_certificate: bool,
}

impl TokenSettings {
    /// Time before the expiry at which a token is refreshed by default.
    pub const DEFAULT_REFRESH_BUFFER: Duration = Duration::from_mins(15);
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            url: None,
            app_url: None,
            refresh_url: None,
            params: Vec::new(),
            refresh_params: None,
            headers: Vec::new(),
            refresh_headers: Vec::new(),
            use_get: false,
            body_format: BodyFormat::Form,
            client_auth: ClientAuth::Body,
            scope_separator: " ".to_owned(),
            default_scopes: Vec::new(),
            response: TokenResponse::default(),
            refresh_buffer: Self::DEFAULT_REFRESH_BUFFER,
            steps: Vec::new(),
            signed_token: None,
            assertion: None,
            client_certificate: false,
        }
    }
}

/// A field of a request: JSON whose texts are templates.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Param {
    /// A text template.
    Text(Template),
    /// A number constant.
    Number(Number),
    /// A boolean constant.
    Bool(bool),
    /// A null constant.
    Null,
    /// A list of fields.
    List(Vec<Param>),
    /// An object with named fields, in the order of the file.
    Object(Vec<(String, Param)>),
}

/// Format of the fields of a token request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyFormat {
    /// URL-encoded form.
    Form,
    /// JSON object.
    Json,
    /// Query parameters of the URL.
    Query,
    /// XML document.
    Xml,
}

/// Client authentication of token requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// Fields `client_id` and `client_secret`.
    Body,
    /// A `Basic` header with the plain id and secret, and the fields of [`ClientAuth::Body`].
    BasicAndBody,
    /// A `Basic` header with id and secret encoded by RFC 6749 (2.3.1).
    Basic,
    /// A `Basic` header with the plain id and secret.
    UnencodedBasic,
    /// Fields `username` and `password`.
    Password,
    /// A client assertion signed by the client (RFC 7523).
    SignedJwt,
}

/// Locations of the token and its expiry in a response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TokenResponse {
    /// Path of the token; an empty path selects the whole body; `None` for that of OAuth 2.
    pub token: Option<String>,
    /// Path of the refresh token; `None` for that of OAuth 2.
    pub refresh_token: Option<String>,
    /// Path of the expiry; `None` for that of OAuth 2.
    pub expiration: Option<String>,
    /// Format of the expiry.
    pub expiry_format: ExpiryFormat,
    /// Lifetime of a token if the response contains none; `None` if there is no default: the
    /// token is then treated as not expiring.
    pub lifetime: Option<Lifetime>,
    /// Alternative path of a token, or of an object with `access_token` and similar keys.
    pub alternate: Option<String>,
    /// Paths of values that are stored as connection configuration, with the path as name.
    pub metadata: Vec<String>,
    /// Response headers that become part of the credentials, such as `set-cookie`.
    pub headers: Vec<HeaderName>,
}

/// Format of the expiry of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ExpiryFormat {
    /// Detected from the value: `expires_in` of OAuth 2 in seconds, a date, or a duration.
    #[default]
    Auto,
    /// Seconds from now, or a duration such as `1h`.
    Relative,
    /// Milliseconds from now.
    RelativeMillis,
    /// A timestamp.
    Absolute,
}

/// Default lifetime of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lifetime {
    /// Unknown: the token is used until it is rejected.
    Unknown,
    /// Duration from the time at which the token was obtained.
    Fixed(Duration),
}

/// A request of a login after the first one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TokenStep {
    /// URL of the request; `${step1.path}` is a value of the first response.
    pub url: Template,
    /// Fields of the request.
    pub params: Vec<(String, Param)>,
    /// Headers of the request.
    pub headers: Vec<(HeaderName, Template)>,
    /// Whether the method is `GET` instead of `POST`.
    pub use_get: bool,
}

/// Settings of a locally signed token.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SignedToken {
    /// Signature algorithm.
    pub protocol: SignatureProtocol,
    /// Signing key; `None` if the auth mode defines it.
    pub key: Option<Template>,
    /// Lifetime of the token.
    pub lifetime: Duration,
    /// Header of the token.
    pub header: Vec<(String, Param)>,
    /// Claims of the token; `iat` and `exp` are added.
    pub payload: Vec<(String, Param)>,
}

/// Signature algorithm of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureProtocol {
    /// RSA over SHA-256 (`RS256`), unless the header contains another `alg`.
    Rsa,
    /// An elliptic curve (`ES256`).
    Ec,
    /// A hexadecimal shared secret (`HS256`).
    HmacHex,
    /// A shared secret as text (`HS256`).
    HmacText,
    /// A username token of WS-Security.
    Wsse,
}

/// A signed assertion that is exchanged for a token.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Assertion {
    /// Format and contents of the assertion.
    pub kind: AssertionKind,
    /// Signing key.
    pub key: Template,
    /// Lifetime of the assertion.
    pub lifetime: Duration,
    /// Whether each token request needs a new assertion.
    pub single_use: bool,
}

/// Format and contents of an assertion.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AssertionKind {
    /// A signed token (RFC 7523).
    Jwt {
        /// Header, which contains the algorithm.
        header: Vec<(String, Param)>,
        /// Claims; `iat` and `exp` are added.
        payload: Vec<(String, Param)>,
    },
    /// A SAML 2.0 assertion (RFC 7522).
    Saml {
        /// Issuer of the assertion.
        issuer: Template,
        /// Intended audiences.
        audiences: Vec<Template>,
        /// URL of the recipient.
        recipient: Template,
        /// Identifier of the subject.
        name_identifier: Template,
        /// Index of the session.
        session_index: Option<Template>,
        /// Further attributes.
        attributes: Vec<(String, Param)>,
    },
}
