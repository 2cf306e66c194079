//! Whether the entries of a catalogue can be used.
//!
//! Usable is an entry that was read without a problem, whose credentials connections can hold, that says where tokens
//! come from where it needs one, and whose templates ask for nothing that nobody can give. It says nothing about the
//! API itself: nothing is sent.

mod paths;

use super::{AssertionKind, AuthMode, BodyFormat, Catalogue, CatalogueEntry, FactCounts, Facts, Provider, Variable};

/// What was found out about the entries of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CatalogueReport {
    /// How many entries there are.
    pub total: usize,
    /// How many of them can be used.
    pub usable: usize,
    /// Why the others cannot: one finding for each.
    pub problems: Vec<Finding>,
    /// What was passed over, in usable entries and in others.
    pub warnings: Vec<Finding>,
    /// How well the facts of the entries are supported.
    pub facts: FactCounts,
}

/// What was found out about one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The entry.
    pub provider: String,
    /// In plain words.
    pub reason: String,
}

impl Catalogue {
    /// Looks at the entries: those of the person's file where there is one, else the built-in ones.
    pub fn check(&self) -> CatalogueReport {
        let mut check = CatalogueReport {
            total: 0,
            usable: 0,
            problems: Vec::new(),
            warnings: Vec::new(),
            facts: FactCounts::default(),
        };
        let has_custom = self.entries().any(|(_, listed)| listed.origin.file.is_some());
        for (name, listed) in self.entries().filter(|(_, listed)| !has_custom || listed.origin.file.is_some()) {
            check.total += 1;
            let finding = |reason| Finding { provider: name.to_owned(), reason };
            let (problems, warnings) = listed.findings();
            if problems.is_empty() {
                check.usable += 1;
            } else {
                check.problems.push(finding(problems.join("; ")));
            }
            check.warnings.extend(warnings.into_iter().map(finding));
            match &listed.provider {
                Ok(provider) => check.facts.add(&provider.facts),
                Err(_) => check.facts.add(&Facts::default()),
            }
        }
        check
    }
}

impl CatalogueEntry {
    /// Why it cannot be used, and what was passed over.
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
    let mut supported = provider.auth.iter().filter(|mode| mode.is_supported()).peekable();
    if supported.peek().is_none() {
        problems.push(format!("connections cannot hold {} credentials", provider.auth_mode));
    }
    if provider.proxy.base_url.is_none() {
        problems.push("it has no `proxy.base_url`: settings must give one".to_owned());
    }
    if provider.accepts(provider.auth_mode) {
        problems.extend(token_problems(provider));
    }
    let mut unknown: Vec<String> = Vec::new();
    for (key, template) in provider.templates() {
        for variable in template.variables().filter(|variable| !is_known(provider, &key, variable)) {
            let text = format!("`{key}` asks for `{variable}`, which {}", unavailable_reason(variable));
            if !unknown.contains(&text) {
                unknown.push(text);
            }
        }
    }
    problems.extend(unknown);
    problems
}

/// What is wrong with the way to a token.
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
        problems.push("its requests for tokens are XML, which is not written here".to_owned());
    }
    if matches!(&token.assertion, Some(assertion) if matches!(assertion.kind, AssertionKind::Saml { .. })) {
        problems.push("its assertion is SAML, which is not written here".to_owned());
    }
    if token.client_certificate {
        problems.push("it asks for a client certificate, which requests do not carry".to_owned());
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

/// Names of configuration that have a meaning of their own, whatever the entry.
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

/// Parts that the credentials of a mode have without a field.
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
        // An answer's headers and a signed statement join what the person gave.
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

/// Whether somebody can give a value in the place where it is asked for.
fn is_known(provider: &Provider, key: &str, variable: &Variable) -> bool {
    // A dotted name is a path below its first part, unless it is a name of its own.
    let is = |known: &str, name: &str| known == name || name.split('.').next() == Some(known);
    let any = |known: &[String], name: &str| known.iter().any(|known| is(known, name));
    let field = |fields: &[super::Field], name: &str| fields.iter().any(|field| is(&field.name, name));
    let modes = || provider.auth.iter().copied().chain([provider.auth_mode]);
    match variable {
        Variable::Config(name) => {
            field(&provider.config, name)
                || any(&provider.response_config, name)
                || any(&provider.proxy.config, name)
                || RESERVED.contains(&name.as_str())
        }
        Variable::Credential(name) => {
            let own = modes().flat_map(implicit_credentials).any(|part| is(part, name));
            // What the operator sets for the integration stands among the credentials, too.
            own || field(&provider.credentials, name) || field(&provider.integration, name)
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
        Variable::Config(_) => "`connection_config` does not have",
        Variable::Credential(_) => "its credentials do not have",
        Variable::AssertionOption(_) => "`assertion_option` does not have",
        Variable::Step { .. } => "is no answer of its steps",
        Variable::AccessToken => "its credentials do not become",
        Variable::SignedToken => "nothing signs",
        _ => "there is not in this place",
    }
}

/// Expressions that cannot be used: the field is there, but no value of it can be checked.
fn invalid_patterns(provider: &Provider) -> Vec<String> {
    let forms = [&provider.credentials, &provider.config, &provider.integration, &provider.assertion_options];
    let wrong = forms.into_iter().flatten().filter_map(|field| {
        let error = field.pattern.as_ref()?.compiled().err()?;
        Some(format!("values of `{}` cannot be checked: {error}", field.name))
    });
    wrong.collect()
}

#[cfg(test)]
mod tests;
