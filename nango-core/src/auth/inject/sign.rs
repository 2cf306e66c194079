//! Request signatures: OAuth 1, token-based authentication for accounts (TBA), and AWS Signature Version 4.

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use url::Position;

use super::{InjectError, TemplateInputs};
use crate::{
    auth::{App, AuthMode},
    http::OutgoingRequest,
    provider::{
        OAuth1Method, Provider, RequestEntropy, ResolveError,
        sign::{AwsSigner, OAuth1Signer, UNSIGNED_PAYLOAD, hex, sha256},
    },
};

/// Signs the requests of a connection.
#[derive(Debug)]
pub(super) enum Signer {
    /// OAuth 1 with the signature method of the provider entry.
    OAuth1(OAuth1Method),
    /// OAuth 1 with a manually created token for an account (TBA).
    Account {
        /// Account id in the format of the realm.
        realm: String,
    },
    /// AWS Signature Version 4.
    Aws,
}

impl Signer {
    /// Returns the signer of these credentials; `None` if their requests are not signed.
    pub(super) fn of(provider: &Provider, inputs: &TemplateInputs) -> Result<Option<Self>, InjectError> {
        let needs_app = |signer: Self| {
            if inputs.client.is_some() {
                return Ok(Some(signer));
            }
            let hint = App::missing_app_hint(&inputs.integration);
            Err(inputs.sign_error(format!("signing requires the key and secret of your app: {hint}")))
        };
        match inputs.credentials.mode() {
            AuthMode::OAuth1 => {
                let method = provider.authorization.oauth1.as_ref().map(|settings| settings.method);
                needs_app(Self::OAuth1(method.unwrap_or_default()))
            }
            AuthMode::Tba => {
                let account = inputs.config.get("accountId").and_then(|value| value.as_str());
                let account = account.ok_or_else(|| ResolveError::MissingConfig {
                    integration: inputs.integration.clone(),
                    name: "accountId".to_owned(),
                })?;
                needs_app(Self::Account { realm: account.replacen('-', "_", 1).to_ascii_uppercase() })
            }
            AuthMode::AwsSigV4 => Ok(Some(Self::Aws)),
            _ => Ok(None),
        }
    }

    /// Signs a request that is otherwise complete.
    pub(super) fn sign(
        &self,
        inputs: &TemplateInputs,
        request: &mut OutgoingRequest,
        entropy: RequestEntropy,
    ) -> Result<(), InjectError> {
        let header = match self {
            Self::OAuth1(method) => {
                inputs.oauth1(*method, None, ["oauth_token", "oauth_token_secret"], request, entropy)
            }
            Self::Account { realm } => {
                let keys = ["token_id", "token_secret"];
                inputs.oauth1(OAuth1Method::HmacSha256, Some(realm), keys, request, entropy)
            }
            Self::Aws => inputs.aws(request, entropy)?,
        };
        let value = inputs.header(&AUTHORIZATION, &header, true)?;
        request.headers.insert(AUTHORIZATION, value);
        Ok(())
    }
}

impl TemplateInputs {
    fn sign_error(&self, reason: String) -> InjectError {
        InjectError::Sign { integration: self.integration.clone(), reason }
    }

    fn part(&self, key: &str) -> &str {
        self.credentials.text(key).unwrap_or_default()
    }

    fn oauth1(
        &self,
        method: OAuth1Method,
        realm: Option<&str>,
        [token, secret]: [&str; 2],
        request: &mut OutgoingRequest,
        entropy: RequestEntropy,
    ) -> String {
        let (kind, body) = request.body.seen();
        let is_form = kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let client = self.client.as_ref().map_or(("", ""), |(id, secret)| (id.as_str(), secret.expose()));
        let signer = OAuth1Signer {
            method,
            client,
            token: (self.part(token), self.part(secret)),
            realm,
            timestamp: entropy.now.as_seconds(),
            nonce: &entropy.random.simple().to_string(),
            version: true,
        };
        signer.authorization(request.method.as_str(), &request.url, if is_form { &body } else { b"" })
    }

    fn aws(&self, request: &mut OutgoingRequest, entropy: RequestEntropy) -> Result<String, InjectError> {
        let signer = AwsSigner {
            access_key_id: self.part("access_key_id"),
            secret_access_key: self.part("secret_access_key"),
            region: self.part("region"),
            service: self.part("service"),
            now: entropy.now,
        };
        let (kind, body) = request.body.seen();
        let hash = if request.body.is_repeatable() { hex(&sha256(&body)) } else { UNSIGNED_PAYLOAD.to_owned() };
        if let Some(kind) = kind.and_then(|kind| HeaderValue::from_str(&kind).ok()) {
            request.headers.entry(CONTENT_TYPE).or_insert(kind);
        }
        let host = &request.url[Position::BeforeHost..Position::AfterPort];
        let host = self.header(&HOST, host, false)?;
        request.headers.insert(HOST, host);
        let mut set = |name: &'static str, value: &str, secret: bool| {
            let name = HeaderName::from_static(name);
            let value = self.header(&name, value, secret)?;
            request.headers.insert(name, value);
            Ok::<(), InjectError>(())
        };
        set("x-amz-date", &signer.date(), false)?;
        set("x-amz-content-sha256", &hash, false)?;
        if let Some(token) = self.credentials.text("session_token") {
            set("x-amz-security-token", token, true)?;
        }
        // Headers that a proxy may change are not signed.
        let covered = request.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "user-agent" | "connection"));
        let covered: Vec<(&str, &str)> =
            covered.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
        Ok(signer.authorization(request.method.as_str(), &request.url, &covered, &hash))
    }
}
