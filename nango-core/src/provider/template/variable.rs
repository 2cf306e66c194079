//! Variables of templates: names of values, parsed once, so that an unknown name is an error of the entry.

use std::fmt;

use super::TimeFormat;

const CONFIG_PREFIX: &str = "connectionConfig.";
const CREDENTIALS_PREFIX: &str = "credentials.";
const OPTIONS_PREFIX: &str = "assertionOption.";

/// Credential keys that need no prefix.
const CREDENTIAL_SHORT_NAMES: [&str; 4] = ["apiKey", "username", "password", "refresh_token"];

/// A variable of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Variable {
    /// `connectionConfig.X`: a configuration value of the connection.
    Config(String),
    /// `credentials.X`, or one of the short names `apiKey`, `username`, `password`, `refresh_token`: a
    /// credential value of the connection.
    Credential(String),
    /// `accessToken`: the token of the connection, in any auth mode.
    AccessToken,
    /// `token`: a locally signed token.
    SignedToken,
    /// `clientId`: the client id of the app of the integration.
    ClientId,
    /// `clientSecret`: the client secret of the app of the integration.
    ClientSecret,
    /// `step1.X`: a value of an earlier response.
    Step {
        /// Number of the response, from 1.
        number: usize,
        /// Path in the response body.
        path: String,
    },
    /// `assertionOption.X`: an assertion option.
    AssertionOption(String),
    /// `random`: a UUID.
    Random,
    /// `now`, `now:FORMAT`, `now+N:unit:FORMAT`: a time.
    Now(TimeFormat),
    /// A value of the request to be sent.
    Request(RequestValue),
}

/// A value of the request to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestValue {
    /// `endpoint`: the endpoint as given by the caller.
    Endpoint,
    /// `method`: the method, such as `GET`.
    Method,
    /// `host`: the host, with its port if that is not the default one.
    Host,
    /// `path`: the path of the URL.
    UrlPath,
    /// `params`: the sorted parameters of the form body, or of the URL if there is no form.
    Params,
    /// `urlCanonicalParams`: the sorted parameters of the URL.
    UrlParams,
    /// `bodyCanonicalParams`: the body as sent.
    Body,
    /// `contentType`: the media type of the body.
    ContentType,
}

const REQUEST_VALUES: [(&str, RequestValue); 8] = [
    ("endpoint", RequestValue::Endpoint),
    ("method", RequestValue::Method),
    ("host", RequestValue::Host),
    ("path", RequestValue::UrlPath),
    ("params", RequestValue::Params),
    ("urlCanonicalParams", RequestValue::UrlParams),
    ("bodyCanonicalParams", RequestValue::Body),
    ("contentType", RequestValue::ContentType),
];

const OTHER_VALUES: [(&str, Variable); 5] = [
    ("accessToken", Variable::AccessToken),
    ("token", Variable::SignedToken),
    ("clientId", Variable::ClientId),
    ("clientSecret", Variable::ClientSecret),
    ("random", Variable::Random),
];

impl Variable {
    /// Parses the name in `${…}`.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let after = |prefix| name.strip_prefix(prefix).filter(|rest| !rest.is_empty()).map(str::to_owned);
        if let Some(value) = after(CONFIG_PREFIX) {
            return Some(Self::Config(value));
        }
        if let Some(part) = after(CREDENTIALS_PREFIX) {
            return Some(Self::Credential(part));
        }
        if let Some(option) = after(OPTIONS_PREFIX) {
            return Some(Self::AssertionOption(option));
        }
        if CREDENTIAL_SHORT_NAMES.contains(&name) {
            return Some(Self::Credential(name.to_owned()));
        }
        if let Some((_, value)) = REQUEST_VALUES.iter().find(|(known, _)| *known == name) {
            return Some(Self::Request(*value));
        }
        if let Some((_, variable)) = OTHER_VALUES.iter().find(|(known, _)| *known == name) {
            return Some(variable.clone());
        }
        step(name).or_else(|| TimeFormat::parse(name).map(Self::Now))
    }

    /// Returns the names without a prefix, for suggestions.
    pub(super) fn simple_names() -> impl Iterator<Item = &'static str> {
        let others = OTHER_VALUES.iter().map(|(name, _)| *name);
        let request = REQUEST_VALUES.iter().map(|(name, _)| *name);
        CREDENTIAL_SHORT_NAMES.into_iter().chain(others).chain(["now"]).chain(request)
    }

    /// Returns whether the value is always secret.
    pub fn is_secret(&self) -> bool {
        match self {
            Self::Credential(_)
            | Self::AccessToken
            | Self::SignedToken
            | Self::ClientSecret
            | Self::Step { .. }
            | Self::AssertionOption(_) => true,
            Self::Config(_) | Self::ClientId | Self::Random | Self::Now(_) | Self::Request(_) => false,
        }
    }
}

fn step(name: &str) -> Option<Variable> {
    let (number, path) = name.strip_prefix("step")?.split_once('.')?;
    let number = number.parse().ok().filter(|number| *number > 0)?;
    (!path.is_empty()).then(|| Variable::Step { number, path: path.to_owned() })
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(name) => write!(f, "{CONFIG_PREFIX}{name}"),
            Self::Credential(name) => f.write_str(name),
            Self::AssertionOption(name) => write!(f, "{OPTIONS_PREFIX}{name}"),
            Self::Step { number, path } => write!(f, "step{number}.{path}"),
            Self::Now(format) => f.write_str(format.as_str()),
            Self::Request(value) => {
                f.write_str(REQUEST_VALUES.iter().find(|(_, known)| known == value).map_or("", |(name, _)| name))
            }
            other => f.write_str(OTHER_VALUES.iter().find(|(_, known)| known == other).map_or("", |(name, _)| name)),
        }
    }
}
