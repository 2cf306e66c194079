//! Errors of resolving templates.

use super::{Function, Variable, sign::SignError};
use crate::error::{Error, ErrorKind, Remedy, register_layer_error};

/// Errors of resolving a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// A configuration value is missing.
    #[error("`{integration}` needs the configuration value `{name}`")]
    MissingConfig {
        /// Unique key of the integration.
        integration: String,
        /// Name of the configuration value.
        name: String,
    },
    /// A value of the credentials is missing.
    #[error("`{integration}` needs `{name}`, which these credentials do not have")]
    MissingCredential {
        /// Unique key of the integration.
        integration: String,
        /// Name of the credential value.
        name: String,
    },
    /// Another value is missing.
    #[error("`{integration}` needs `{variable}`, {}", missing_reason(variable))]
    Missing {
        /// Unique key of the integration.
        integration: String,
        /// The missing variable.
        variable: Variable,
    },
    /// A value is not allowed in its part of the URL.
    #[error("the configuration value `{name}` of `{integration}` {reason}")]
    InvalidValue {
        /// Unique key of the integration.
        integration: String,
        /// Name of the configuration value.
        name: String,
        /// Requirement that the value does not meet.
        reason: &'static str,
    },
    /// The entry has no base URL.
    #[error(
        "the entry of `{provider}` has no base URL: set `base_url = \"https://…\"` under `[integrations.{integration}]` in \
         nango.toml"
    )]
    NoBaseUrl {
        /// Unique key of the integration.
        integration: String,
        /// Name of the provider.
        provider: String,
    },
    /// The resolved text is not a URL.
    #[error("`{template}` of `{integration}` is not a web address when filled")]
    Url {
        /// Unique key of the integration.
        integration: String,
        /// The template as written.
        template: String,
        /// Cause of the failure.
        source: ResolvedUrlError,
    },
    /// A function failed.
    #[error("`{integration}` cannot compute `{function}`")]
    Function {
        /// Unique key of the integration.
        integration: String,
        /// The failed function.
        function: Function,
        /// Cause of the failure.
        source: SignError,
    },
}

/// Reasons why a resolved text cannot be used as the URL of requests.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolvedUrlError {
    /// The text is not a URL.
    #[error(transparent)]
    Parse(#[from] url::ParseError),
    /// The URL has another scheme, or no host.
    #[error("it must start with `https://` and have a host")]
    NotHttp,
    /// Requests would contain the secret of the integration's app, and the entry does not name the host.
    #[error(
        "requests contain the secret of your app, and the provider entry does not list `{host}`; if you trust this \
         host, add it to `token_hosts` under `[integrations.{integration}]` in nango.toml"
    )]
    ExposesAppSecret {
        /// Unique key of the integration.
        integration: String,
        /// Host of the resolved URL.
        host: String,
    },
}

register_layer_error!(ResolveError);

impl ResolveError {
    /// Returns the next step that fixes the cause.
    pub(crate) fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::MissingConfig { integration, name } => {
                Some(Remedy::SetConfiguration { integration: integration.clone(), name: name.clone() })
            }
            Self::MissingCredential { integration, .. } => {
                Some(Remedy::ReplaceCredentials { integration: integration.clone(), connection: None })
            }
            _ => None,
        }
    }

    /// Converts this into the error that functions receive.
    pub(crate) fn into_error(self) -> Error {
        let remedy = self.remedy();
        Error::new(ErrorKind::Connection, self).with_remedy(remedy)
    }

    /// Returns the missing value, if that is the problem. A caller may omit a part whose value is optional.
    pub fn missing(&self) -> Option<Variable> {
        match self {
            Self::MissingConfig { name, .. } => Some(Variable::Config(name.clone())),
            Self::MissingCredential { name, .. } => Some(Variable::Credential(name.clone())),
            Self::Missing { variable, .. } => Some(variable.clone()),
            Self::InvalidValue { .. } | Self::NoBaseUrl { .. } | Self::Url { .. } | Self::Function { .. } => None,
        }
    }
}

/// Returns the reason why a value is missing.
fn missing_reason(variable: &Variable) -> &'static str {
    match variable {
        Variable::AccessToken => "but these credentials have no token",
        Variable::SignedToken => "a signed token, which is only available in token requests",
        Variable::ClientId | Variable::ClientSecret => {
            "part of the app of the integration: set its `client_id` in nango.toml and its secret in the environment"
        }
        Variable::Step { .. } => "which the earlier response does not have",
        Variable::AssertionOption(_) => "which is requested once, when the connection is created",
        Variable::Request(_) => "which is only available for requests",
        _ => "which is not available there",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_of_a_failed_function_is_displayed_once() {
        let (function, source) = (Function::Ed25519Sign, SignError::NoRequest);
        let error = Error::from(ResolveError::Function { integration: "shop".into(), function, source });
        assert_eq!(error.kind(), ErrorKind::Connection);
        assert!(error.to_string().ends_with("`: there is no request to sign"), "{error}");
    }

    #[test]
    fn question_mark_operator_keeps_kind_remedy_and_causes() {
        let integration = "shop".to_owned();
        let error = Error::from(ResolveError::MissingConfig { integration: integration.clone(), name: "site".into() });
        let remedy = Remedy::SetConfiguration { integration: integration.clone(), name: "site".into() };
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Connection, Some(&remedy)));
        let source = ResolvedUrlError::from(url::ParseError::EmptyHost);
        let error = Error::from(ResolveError::Url { integration, template: "https://${x}".into(), source });
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Connection, None));
        assert_eq!(error.to_string(), "`https://${x}` of `shop` is not a web address when filled: empty host");
    }
}
