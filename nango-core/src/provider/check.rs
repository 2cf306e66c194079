//! Validation of catalogue entries.
//!
//! An entry is usable if it was read without a problem, its auth mode is supported, it has a token URL if it needs one,
//! and all values of its templates can be provided. The API itself is not checked: no request is sent.

mod paths;

use super::{AssertionKind, AuthMode, BodyFormat, Catalogue, CatalogueEntry, FactCounts, Facts, Provider, Variable};

/// Result of checking the entries of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CatalogueReport {
    /// Number of checked entries.
    pub total: usize,
    /// Number of usable entries.
    pub usable: usize,
    /// One finding for each unusable entry.
    pub problems: Vec<Finding>,
    /// Warnings about usable and unusable entries, such as ignored keys.
    pub warnings: Vec<Finding>,
    /// Numbers of entries by the evidence for their facts.
    pub facts: FactCounts,
}

/// A problem or warning of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Name of the entry.
    pub provider: String,
    /// Description of the problem.
    pub reason: String,
}

impl Catalogue {
    /// Checks the entries of the user's own file, or the built-in ones if there is no file.
    pub fn check(&self) -> CatalogueReport {
        let mut report = CatalogueReport {
            total: 0,
            usable: 0,
            problems: Vec::new(),
            warnings: Vec::new(),
            facts: FactCounts::default(),
        };
        let has_custom = self.entries().any(|(_, listed)| listed.origin.file.is_some());
        for (name, listed) in self.entries().filter(|(_, listed)| !has_custom || listed.origin.file.is_some()) {
            report.total += 1;
            let finding = |reason| Finding { provider: name.to_owned(), reason };
            let (problems, warnings) = listed.findings();
            if problems.is_empty() {
                report.usable += 1;
            } else {
                report.problems.push(finding(problems.join("; ")));
            }
            report.warnings.extend(warnings.into_iter().map(finding));
            match &listed.provider {
                Ok(provider) => report.facts.add(&provider.facts),
                Err(_) => report.facts.add(&Facts::default()),
            }
        }
        report
    }
}

impl CatalogueEntry {
    /// Returns the problems that make the entry unusable, and the warnings.
    pub fn findings(&self) -> (Vec<String>, Vec<String>) {
        let mut problems = self.problems.clone();
        let mut warnings = self.warnings.clone();
        match &self.provider {
            Ok(provider) => {
                problems.extend(provider_problems(provider));
                warnings.extend(invalid_patterns(provider));
                warnings.extend(paths::warnings(provider));
            }
            Err(reason) => problems.push(reason.clone()),
        }
        (problems, warnings)
    }
}

fn provider_problems(provider: &Provider) -> Vec<String> {
    let mut problems = Vec::new();
    let mut supported = provider.accepted_modes.iter().filter(|mode| mode.is_supported()).peekable();
    if supported.peek().is_none() {
        problems.push(format!("{} credentials are not supported", provider.auth_mode));
    }
    if provider.proxy.base_url.is_none() {
        problems.push("`proxy.base_url` is missing: set `base_url` in the configuration of the integration".to_owned());
    }
    if provider.accepts(provider.auth_mode) {
        problems.extend(token_problems(provider));
    }
    let mut unknown: Vec<String> = Vec::new();
    for (key, template) in provider.templates() {
        for variable in template.variables().filter(|variable| !is_known(provider, &key, variable)) {
            let text = format!("`{key}` uses `{variable}`, which {}", unavailable_reason(variable));
            if !unknown.contains(&text) {
                unknown.push(text);
            }
        }
    }
    problems.extend(unknown);
    problems
}

/// Returns the problems of obtaining a token.
fn token_problems(provider: &Provider) -> Vec<String> {
    let token = &provider.token;
    let mode = provider.auth_mode.stored_name();
    let mut problems = Vec::new();
    let url = match provider.auth_mode {
        AuthMode::OAuth2 | AuthMode::OAuth2Cc | AuthMode::TwoStep | AuthMode::OAuth1 | AuthMode::McpOAuth2 => {
            token.url.as_ref()
        }
        AuthMode::App => token.app_url.as_ref().or(token.url.as_ref()),
        AuthMode::Custom => token.app_url.as_ref().and(token.url.as_ref()),
        _ => return signature_problems(provider),
    };
    if url.is_none() {
        problems.push(format!("`token_url` is missing, which {mode} needs"));
    }
    if token.body_format == BodyFormat::Xml {
        problems.push("token requests in XML are not supported".to_owned());
    }
    if matches!(&token.assertion, Some(assertion) if matches!(assertion.kind, AssertionKind::Saml { .. })) {
        problems.push("SAML assertions are not supported".to_owned());
    }
    if token.client_certificate {
        problems.push("client certificates are not supported".to_owned());
    }
    problems
}

fn signature_problems(provider: &Provider) -> Vec<String> {
    let signs = matches!(provider.auth_mode, AuthMode::Jwt | AuthMode::Signature);
    if signs && provider.token.signed_token.is_none() {
        vec![format!("`signature` is missing, which {} needs", provider.auth_mode.stored_name())]
    } else {
        Vec::new()
    }
}

/// Configuration names with a fixed meaning for every provider.
const RESERVED: [&str; 8] = [
    "oauth_scopes",
    "oauth_scopes_override",
    "oauth_client_id_override",
    "oauth_client_secret_override",
    "oauth_refresh_token_override",
    "user_scope",
    "installation_id",
    "base_url",
];

/// Returns the credential keys of a mode that need no declared field.
fn implicit_credentials(mode: AuthMode) -> &'static [&'static str] {
    match mode {
        AuthMode::ApiKey => &["apiKey"],
        AuthMode::Basic | AuthMode::Signature | AuthMode::InstallPlugin => &["username", "password"],
        AuthMode::OAuth2 | AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic | AuthMode::Custom => {
            &["access_token", "refresh_token", "raw", "config_override"]
        }
        AuthMode::OAuth2Cc => {
            &["client_id", "client_secret", "client_certificate", "client_private_key", "token", "raw"]
        }
        // Response headers and a signed assertion are added to the values of the user.
        AuthMode::TwoStep => &["token", "refresh_token", "raw", "assertion", "_cookies"],
        AuthMode::Jwt => &["token"],
        AuthMode::OAuth1 => &["oauth_token", "oauth_token_secret"],
        AuthMode::Tba => &["token_id", "token_secret"],
        AuthMode::App => &["access_token", "raw"],
        AuthMode::AwsSigV4 => &["access_key_id", "secret_access_key", "session_token", "region", "service", "role_arn"],
        AuthMode::Bill => &["username", "password", "organization_id", "dev_key", "session_id", "user_id"],
        AuthMode::Bearer => &["access_token"],
        AuthMode::None => &[],
    }
}

/// Returns whether the value of a template variable can be provided where it is used.
fn is_known(provider: &Provider, key: &str, variable: &Variable) -> bool {
    // A dotted name is a path into the value of its first part, unless it is declared literally.
    let matches_name = |known: &str, name: &str| known == name || name.split('.').next() == Some(known);
    let any = |known: &[String], name: &str| known.iter().any(|known| matches_name(known, name));
    let field = |fields: &[super::Field], name: &str| fields.iter().any(|field| matches_name(&field.name, name));
    let modes = || provider.accepted_modes.iter().copied().chain([provider.auth_mode]);
    match variable {
        Variable::Config(name) => {
            field(&provider.config, name)
                || any(&provider.response_config, name)
                || any(&provider.proxy.required_config, name)
                || RESERVED.contains(&name.as_str())
        }
        Variable::Credential(name) => {
            let implicit = modes().flat_map(implicit_credentials).any(|part| matches_name(part, name));
            // Integration configuration of the operator is available among the credentials.
            implicit || field(&provider.credentials, name) || field(&provider.integration_config, name)
        }
        Variable::AssertionOption(name) => field(&provider.assertion_options, name),
        Variable::Step { number, .. } => *number <= provider.token.steps.len() && !provider.token.steps.is_empty(),
        Variable::AccessToken => {
            modes().any(|mode| mode.yields_token() || matches!(mode, AuthMode::Bearer | AuthMode::Signature))
        }
        Variable::SignedToken => provider.token.signed_token.is_some(),
        Variable::Request(_) => key.starts_with("proxy."),
        Variable::ClientId | Variable::ClientSecret | Variable::Random | Variable::Now(_) => true,
    }
}

fn unavailable_reason(variable: &Variable) -> &'static str {
    match variable {
        Variable::Config(_) => "`connection_config` does not declare",
        Variable::Credential(_) => "the credentials do not have",
        Variable::AssertionOption(_) => "`assertion_option` does not declare",
        Variable::Step { .. } => "is not a response of the steps",
        Variable::AccessToken => "the credentials do not provide",
        Variable::SignedToken => "no `signature` creates",
        _ => "is not available there",
    }
}

/// Returns warnings about invalid patterns, because of which the values of a field cannot be checked.
fn invalid_patterns(provider: &Provider) -> Vec<String> {
    let forms = [&provider.credentials, &provider.config, &provider.integration_config, &provider.assertion_options];
    let warnings = forms.into_iter().flatten().filter_map(|field| {
        let error = field.pattern.as_ref()?.compiled().err()?;
        Some(format!("values of `{}` cannot be checked: {error}", field.name))
    });
    warnings.collect()
}

#[cfg(test)]
mod tests;
