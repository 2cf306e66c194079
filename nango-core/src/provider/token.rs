//! How a provider gives tokens: what is sent where, and where the token is in the answer.
//!
//! One description serves every kind of credentials that ends as a token. What a kind leaves open has the format's
//! default, so that what reads this need not know the file.

use std::time::Duration;

use reqwest::header::HeaderName;
use serde_json::Number;

use super::Template;

/// What a provider's entry says of tokens.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TokenSettings {
    /// Where tokens are obtained, and renewed unless `refresh_url` says otherwise.
    pub url: Option<Template>,
    /// Where an app's installation obtains its token, if that is another place.
    pub app_url: Option<Template>,
    /// Where tokens are renewed.
    pub refresh_url: Option<Template>,
    /// The fields of a request for a token.
    pub params: Vec<(String, Param)>,
    /// The fields of a renewal; `None`: those of a request for a token.
    pub refresh_params: Option<Vec<(String, Param)>>,
    /// The headers of a request for a token.
    pub headers: Vec<(HeaderName, Template)>,
    /// The headers of a renewal; empty: those of a request for a token.
    pub refresh_headers: Vec<(HeaderName, Template)>,
    /// Whether a token is asked for with `GET` instead of `POST`.
    pub use_get: bool,
    /// How the fields travel.
    pub body_format: BodyFormat,
    /// How the client proves who it is.
    pub client_auth: ClientAuth,
    /// What stands between scopes. Default: a space.
    pub scope_separator: String,
    /// The scopes of an integration that names none.
    pub default_scopes: Vec<String>,
    /// How the answer is read.
    pub response: TokenResponse,
    /// How long before its end a token is renewed. Default: 15 minutes.
    pub refresh_buffer: Duration,
    /// Requests that follow the first one; the last answer holds the token.
    pub steps: Vec<TokenStep>,
    /// A token that is signed here first: the token itself, or `${token}` in the fields.
    pub signed_token: Option<SignedToken>,
    /// A signed statement, `${credentials.assertion}` in the fields.
    pub assertion: Option<Assertion>,
    /// Whether the server asks for a client certificate.
    pub client_certificate: bool,
}

impl TokenSettings {
    /// How long before its end a token is renewed, where the provider does not say.
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
    /// A text.
    Text(Template),
    /// A number.
    Number(Number),
    /// A truth value.
    Bool(bool),
    /// Nothing.
    Null,
    /// Several.
    List(Vec<Param>),
    /// Several with names, in the order of the file.
    Object(Vec<(String, Param)>),
}

/// How the fields of a request travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyFormat {
    /// As a form.
    Form,
    /// As JSON.
    Json,
    /// In the URL.
    Query,
    /// As XML.
    Xml,
}

/// How a client proves who it is when it asks for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// `client_id` and `client_secret` among the fields.
    Body,
    /// In a `Basic` header, the plain id and secret, and among the fields as well.
    BasicAndBody,
    /// In a `Basic` header alone, the id and the secret each encoded as RFC 6749 (2.3.1) wants it.
    Basic,
    /// In a `Basic` header alone, the plain id and secret.
    UnencodedBasic,
    /// Among the fields, as `username` and `password`.
    Password,
    /// A token that the client signs (RFC 7523).
    SignedJwt,
}

/// Where in an answer the token and its end are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TokenResponse {
    /// The path of the token; empty: the whole body is the token; `None`: where OAuth 2 has it.
    pub token: Option<String>,
    /// The path of the refresh token; `None`: where OAuth 2 has it.
    pub refresh_token: Option<String>,
    /// The path of the token's end; `None`: where OAuth 2 has it.
    pub expiration: Option<String>,
    /// What is found there.
    pub expiry_format: ExpiryFormat,
    /// How long a token lives where its answer does not say; `None`: for ever, as far as anybody knows.
    pub lifetime: Option<Lifetime>,
    /// Where the token is if it is not in its place: a token, or an object with `access_token` and its kin.
    pub alternate: Option<String>,
    /// Paths whose values become configuration of the connection, under the path as name.
    pub metadata: Vec<String>,
    /// Headers of the answer that are part of the credentials, such as `set-cookie`.
    pub headers: Vec<HeaderName>,
}

/// What the end of a token is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ExpiryFormat {
    /// Whatever it looks like: OAuth 2's `expires_in` in seconds, a date, a duration.
    #[default]
    Auto,
    /// Seconds from now, or a duration such as `1h`.
    Relative,
    /// Milliseconds from now.
    RelativeMillis,
    /// A point in time.
    Absolute,
}

/// How long a token lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lifetime {
    /// That is not known: only a refusal tells.
    Unknown,
    /// This long from when it was obtained.
    Fixed(Duration),
}

/// A request that follows another one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TokenStep {
    /// Where it goes; `${step1.path}` is found in the first answer.
    pub url: Template,
    /// Its fields.
    pub params: Vec<(String, Param)>,
    /// Its headers.
    pub headers: Vec<(HeaderName, Template)>,
    /// Whether it is a `GET`.
    pub use_get: bool,
}

/// A token that is signed here.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SignedToken {
    /// How it is signed.
    pub protocol: SignatureProtocol,
    /// The key; `None`: the mode has one of its own.
    pub key: Option<Template>,
    /// How long it lives.
    pub lifetime: Duration,
    /// Its header.
    pub header: Vec<(String, Param)>,
    /// Its claims; `iat` and `exp` are added.
    pub payload: Vec<(String, Param)>,
}

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureProtocol {
    /// RSA over SHA-256 (`RS256`), unless the header says otherwise.
    Rsa,
    /// An elliptic curve (`ES256`).
    Ec,
    /// A shared secret (`HS256`), written in hexadecimal digits.
    HmacHex,
    /// A shared secret (`HS256`), written as text.
    HmacText,
    /// A user-name token of WS-Security.
    Wsse,
}

/// A signed statement that buys a token.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Assertion {
    /// What kind of statement it is.
    pub kind: AssertionKind,
    /// The key.
    pub key: Template,
    /// How long it holds.
    pub lifetime: Duration,
    /// Whether it is made anew for each request for a token.
    pub single_use: bool,
}

/// What kind of statement it is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AssertionKind {
    /// A signed token (RFC 7523).
    Jwt {
        /// Its header, which names the algorithm.
        header: Vec<(String, Param)>,
        /// Its claims; `iat` and `exp` are added.
        payload: Vec<(String, Param)>,
    },
    /// A SAML 2.0 assertion (RFC 7522).
    Saml {
        /// Who states it.
        issuer: Template,
        /// For whom.
        audiences: Vec<Template>,
        /// Where it is presented.
        recipient: Template,
        /// Of whom.
        name_identifier: Template,
        /// The session's name.
        session_index: Option<Template>,
        /// What else is stated.
        attributes: Vec<(String, Param)>,
    },
}
