//! Overrides of providers by the configuration: base URL and headers.

use reqwest::header::HeaderName;

use super::{AuthMode, Provider, Template, TemplateError, Variable};

/// Errors of overrides in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OverrideError {
    /// The base URL is not a valid template.
    #[error("`base_url`")]
    BaseUrl(#[source] TemplateError),
    /// The name of a header is invalid.
    #[error("`{0}` is not the name of a header")]
    HeaderName(String),
    /// The value of a header is not a valid template.
    #[error("the header `{name}`")]
    HeaderValue {
        /// Name of the header.
        name: String,
        /// The problem.
        source: TemplateError,
    },
}

impl Provider {
    /// Replaces the base URL and adds or replaces headers. A header with `${apiKey}` makes the provider accept API
    /// keys.
    ///
    /// # Errors
    ///
    /// Fails if a template or a name is invalid. The provider is unchanged then.
    pub fn apply_overrides<'a>(
        &mut self,
        base_url: Option<&str>,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), OverrideError> {
        let base_url = base_url.map(|url| url.parse().map_err(OverrideError::BaseUrl)).transpose()?;
        let headers = headers
            .into_iter()
            .map(|(name, value)| {
                let header = HeaderName::try_from(name).map_err(|_| OverrideError::HeaderName(name.to_owned()))?;
                let value: Template =
                    value.parse().map_err(|source| OverrideError::HeaderValue { name: name.to_owned(), source })?;
                Ok((header, value))
            })
            .collect::<Result<Vec<_>, OverrideError>>()?;
        if let Some(base_url) = base_url {
            self.proxy.base_url = Some(base_url);
        }
        for (name, value) in headers {
            let uses_api_key = value.variables().any(|part| *part == Variable::Credential("apiKey".into()));
            if uses_api_key && !self.accepts(AuthMode::ApiKey) {
                self.accepted_modes.push(AuthMode::ApiKey);
            }
            self.proxy.headers.retain(|(known, _)| *known != name);
            self.proxy.headers.push((name, value));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Catalogue;

    #[test]
    fn overrides_replace_base_url_and_headers() {
        let mut github = Catalogue::builtin().find("github").unwrap().clone();
        let headers = [("Accept", "application/vnd.github.v3+json"), ("x-api-key", "${apiKey}")];
        github.apply_overrides(Some("https://ghe.example.com/api/v3"), headers).unwrap();
        let config = serde_json::Map::new();
        assert_eq!(github.base_url("github", &config).unwrap().as_str(), "https://ghe.example.com/api/v3");
        let accept = github.proxy.headers.iter().filter(|(name, _)| *name == "accept").map(|(_, value)| value.as_str());
        assert_eq!(accept.collect::<Vec<_>>(), ["application/vnd.github.v3+json"]);
        assert!(github.accepts(AuthMode::ApiKey));
    }

    #[test]
    fn invalid_override_is_reported_and_changes_nothing() {
        let mut plain = Provider::from_base_url("acme", "https://api.acme.test").unwrap();
        let before = plain.clone();
        let error = plain.apply_overrides(None, [("a b", "1")]).unwrap_err();
        assert_eq!(error.to_string(), "`a b` is not the name of a header");
        assert!(plain.apply_overrides(Some("https://${nonsense"), []).is_err());
        assert_eq!(plain, before);
    }
}
