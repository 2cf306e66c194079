//! Errors of adding credentials to requests, and their conversion to errors of requests and of functions.

use crate::{
    auth::AuthMode,
    error::{Error, ErrorKind, Remedy, register_layer_error},
    http::AuthError,
    provider::ResolveError,
};

/// Errors of adding credentials to the requests of a provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InjectError {
    /// The provider does not accept this auth mode.
    #[error("`{provider}` does not accept {mode} credentials; accepted: {accepted}")]
    Mode {
        /// Name of the provider.
        provider: String,
        /// Unique key of the integration.
        integration: String,
        /// Auth mode of the credentials.
        mode: AuthMode,
        /// Accepted auth modes.
        accepted: String,
    },
    /// The provider entry accepts API keys, but has no header or parameter for them.
    #[error(
        "the entry of `{provider}` has no header or parameter for an API key: set one of them to `${{apiKey}}`{others}"
    )]
    NoApiKeyPlacement {
        /// Name of the provider.
        provider: String,
        /// Alternative auth modes, as the end of the message.
        others: String,
    },
    /// A template value is missing or invalid.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A value cannot be sent in a header.
    #[error("the value of the header `{header}` of `{provider}` contains a character that headers do not allow")]
    Header {
        /// Name of the provider.
        provider: String,
        /// Name of the header.
        header: String,
    },
    /// Requests cannot be signed with these credentials.
    #[error("requests of `{integration}` cannot be signed: {reason}")]
    Sign {
        /// Unique key of the integration.
        integration: String,
        /// The problem.
        reason: String,
    },
}

register_layer_error!(InjectError);

impl InjectError {
    /// Returns the next step that fixes the cause.
    pub(crate) fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Mode { integration, .. } => Some(Remedy::ChangeAuthMode { integration: integration.clone() }),
            Self::Resolve(error) => error.remedy(),
            Self::NoApiKeyPlacement { .. } | Self::Header { .. } | Self::Sign { .. } => None,
        }
    }

    /// Converts this into the error that functions receive.
    pub(crate) fn into_error(self) -> Error {
        let remedy = self.remedy();
        Error::new(ErrorKind::Connection, self).with_remedy(remedy)
    }
}

impl From<InjectError> for AuthError {
    fn from(error: InjectError) -> Self {
        let remedy = error.remedy();
        Self::new(ErrorKind::Connection, error).with_remedy(remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: InjectError, remedy: Option<Remedy>, expect: &str) {
        let converted = Error::from(error.clone());
        assert_eq!((converted.kind(), converted.remedy()), (ErrorKind::Connection, remedy.as_ref()));
        assert_eq!(converted.to_string(), expect);
        let request = AuthError::from(error);
        assert_eq!((request.kind(), request.remedy()), (ErrorKind::Connection, remedy));
    }

    #[test]
    fn question_mark_operator_keeps_kind_and_remedy() {
        let (provider, integration) = ("shop".to_owned(), "my-shop".to_owned());
        check(
            InjectError::Mode {
                provider: provider.clone(),
                integration: integration.clone(),
                mode: AuthMode::Basic,
                accepted: "api-key".to_owned(),
            },
            Some(Remedy::ChangeAuthMode { integration: integration.clone() }),
            "`shop` does not accept basic credentials; accepted: api-key",
        );
        check(
            InjectError::Header { provider, header: "x-key".to_owned() },
            None,
            "the value of the header `x-key` of `shop` contains a character that headers do not allow",
        );
        let missing = ResolveError::MissingConfig { integration: integration.clone(), name: "site".to_owned() };
        check(
            missing.into(),
            Some(Remedy::SetConfiguration { integration, name: "site".to_owned() }),
            "`my-shop` needs the configuration value `site`",
        );
    }
}
