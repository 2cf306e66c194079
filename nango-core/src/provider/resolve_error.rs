//! Errors of resolving templates.

use super::{Function, Variable, sign::SignError};

/// Errors of resolving a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// A configuration value is missing.
    #[error(
        "`{integration}` needs the configuration value `{name}`: set it with \
         `registry connection add {integration} <id> --set {name}=…`"
    )]
    MissingConfig {
        /// Unique key of the integration.
        integration: String,
        /// Name of the configuration value.
        name: String,
    },
    /// A value of the credentials is missing.
    #[error(
        "`{integration}` needs `{name}`, which these credentials do not have: set them with \
         `registry connection add {integration} <id> --credentials …`"
    )]
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
    #[error("`{template}` of `{integration}` is not a web address when filled: {reason}")]
    Url {
        /// Unique key of the integration.
        integration: String,
        /// The template as written.
        template: String,
        /// The problem.
        reason: String,
    },
    /// A function failed.
    #[error("`{integration}` cannot compute `{function}`: {source}")]
    Function {
        /// Unique key of the integration.
        integration: String,
        /// The failed function.
        function: Function,
        /// The problem.
        source: SignError,
    },
}

impl ResolveError {
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
