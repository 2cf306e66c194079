//! Connection with everything that requests need: its provider with the overrides from the settings, base URL,
//! credentials, and HTTP client.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::runtime::Runtime;
use crate::{
    auth::{
        ConnectionContext, Credentials, CredentialsSource, InjectError, Injector, ObtainError, RefreshError,
        RefreshingAuthorizer, RefreshingCredentials, StaticAuthorizer, TokenContext, redactor,
    },
    error::{Error, ErrorKind, Result},
    http::{Authorize, Client, ClientParts, ClientQuota, Clock, Priority, Url, WaitObserver},
    provider::{Provider, Variable},
    recording::{RecordingMode, Replayer},
    redact::{Redactor, is_secret_name},
    store::{Connection, ConnectionKey},
};

/// Connection whose requests can be sent.
#[derive(Debug)]
pub(super) struct ResolvedConnection {
    /// Row as it was read; the configuration contains no secrets.
    pub(super) connection: Connection,
    pub(super) context: Arc<ConnectionContext>,
    pub(super) base_url: Url,
    pub(super) credentials: CredentialsSource,
    /// Removes the secrets of the connection, its app, and the integration's own headers.
    pub(super) redactor: Redactor,
    authorize: Arc<dyn Authorize>,
}

impl ResolvedConnection {
    /// Resolves a connection that was just read from the database. Its credentials are refreshed when they are due.
    pub(super) async fn stored(runtime: &Runtime, connection: Connection) -> Result<Self> {
        let context = connection_context(runtime, connection.key())?;
        if let Some(RecordingMode::Replay(replayer)) = &runtime.recording {
            return Ok(Self::replayed(context, connection, replayer));
        }
        Self::stored_with(runtime, context, connection).await
    }

    /// Resolves the connection of a recorded run. Its credentials are placeholders, which are not sent.
    fn replayed(context: Arc<ConnectionContext>, connection: Connection, replayer: &Arc<Replayer>) -> Self {
        Self {
            connection,
            context,
            base_url: replayer.base_url().clone(),
            credentials: CredentialsSource::Static(replayer.credentials()),
            redactor: replayer.redactor(),
            authorize: replayer.authorizer(),
        }
    }

    /// Resolves a connection that was just written to the database, with the context that it was checked with.
    pub(super) async fn stored_with(
        runtime: &Runtime,
        context: Arc<ConnectionContext>,
        connection: Connection,
    ) -> Result<Self> {
        let refresher = &runtime.token_refresher;
        // A dry run has a copy of the row; its tokens are refreshed in the real database.
        let current = if refresher.stores_tokens_in(&runtime.store) {
            refresher.open(&context, connection.clone())
        } else {
            refresher.load(&context).await
        };
        let mut current = current.map_err(RefreshError::into_error)?;
        let mut refreshing =
            RefreshingCredentials::new(runtime.token_refresher.clone(), context.clone(), current.clone());
        if refreshing.as_ref().is_err_and(|error| needs_token_response(&context, error))
            && current.credentials.are_refreshable()
        {
            current = runtime.token_refresher.force_refresh(&context).await.map_err(RefreshError::into_error)?;
            refreshing = RefreshingCredentials::new(runtime.token_refresher.clone(), context.clone(), current);
        }
        let refreshing = Arc::new(refreshing.map_err(|error| unusable(&context, error))?);
        let base_url = refreshing.base_url().clone();
        let redactor = refreshing.redactor().clone();
        redact_settings(&redactor, runtime, &context.key.integration);
        Ok(Self {
            connection,
            context,
            base_url,
            credentials: CredentialsSource::Refreshing(refreshing.clone()),
            redactor,
            authorize: Arc::new(RefreshingAuthorizer(refreshing)),
        })
    }

    /// Resolves a connection that is not stored yet.
    pub(super) fn unstored(
        runtime: &Runtime,
        context: Arc<ConnectionContext>,
        connection: Connection,
        credentials: Credentials,
    ) -> Result<Self> {
        let base_url = context.base_url(&connection.config, &credentials);
        let base_url = base_url.map_err(|error| unusable(&context, error.into()))?;
        let ConnectionContext { provider, key, app } = &*context;
        let injector = Injector::new(provider, &key.integration, &credentials, &connection.config, app)
            .map_err(|error| unusable(&context, error))?;
        let authorize = Arc::new(StaticAuthorizer { injector, clock: runtime.clock.clone() });
        let redactor = redactor(&credentials, &connection.config, app);
        redact_settings(&redactor, runtime, &key.integration);
        Ok(Self {
            connection,
            base_url,
            credentials: CredentialsSource::Static(credentials),
            redactor,
            authorize,
            context,
        })
    }

    /// Returns the base URL without secrets.
    pub(super) fn redacted_base_url(&self) -> String {
        self.redactor.hide_url(self.base_url.clone()).into()
    }

    /// Creates the HTTP client. `wait_observer` is notified of waits for rate limits.
    pub(super) fn client(
        &self,
        runtime: &Runtime,
        clock: Arc<dyn Clock>,
        priority: Priority,
        cancellation: CancellationToken,
        wait_observer: Option<Arc<dyn WaitObserver>>,
    ) -> Client {
        let ConnectionContext { provider, key: ConnectionKey { integration, connection }, .. } = &*self.context;
        let proxy = &provider.proxy;
        let limiter = runtime.rate_limiters.of(integration, connection, proxy.retry.shared_quota);
        let listed = runtime.config.integrations.get(integration).map(|settings| settings.trusted_origins.as_slice());
        let trusted = listed.unwrap_or_default().iter().filter_map(|text| Some(Url::parse(text).ok()?.origin()));
        let (mut transport, mut authorize) = (runtime.transport.clone(), self.authorize.clone());
        if let Some(RecordingMode::Record(recorder)) = &runtime.recording {
            transport = recorder.transport(transport, self.redactor.clone(), clock.clone(), cancellation.clone());
            authorize = recorder.authorizer(authorize);
        }
        let mut parts = ClientParts::new(transport, clock, self.base_url.clone())
            .trusted_origins(trusted.collect())
            .authorize(authorize)
            .retry(Arc::new(proxy.retry.clone()))
            .forward_headers(proxy.forward_headers)
            .integration(integration)
            .redactor(self.redactor.clone())
            .cancellation(cancellation)
            .quota(ClientQuota { rate_limiter: limiter, connection: connection.clone(), priority });
        if let Some(observer) = wait_observer {
            if let CredentialsSource::Refreshing(refreshing) = &self.credentials {
                refreshing.set_wait_observer(observer.clone());
            }
            parts = parts.wait_observer(observer, provider.display_name.clone());
        }
        Client::new(parts)
    }
}

/// Adds the secrets of the settings to a redactor: headers of the integration and environment values whose names denote
/// a secret.
fn redact_settings(redactor: &Redactor, runtime: &Runtime, integration: &str) {
    let headers = runtime.config.integrations.get(integration).map(|settings| &settings.headers);
    let headers = headers.into_iter().flatten();
    for (name, value) in headers.chain(&runtime.config.environment) {
        if is_secret_name(name) {
            redactor.add(Zeroizing::new(value.clone()));
        }
    }
}

/// Returns whether an error is caused by a missing value that the provider returns together with a token.
fn needs_token_response(context: &ConnectionContext, error: &InjectError) -> bool {
    let InjectError::Resolve(error) = error else { return false };
    matches!(error.missing(), Some(Variable::Config(name)) if context.provider.response_config.contains(&name))
}

/// Converts an error to a connection error. The source is kept, so that `wire` and `cli` can distinguish invalid input
/// from an invalid setup.
fn unusable(context: &ConnectionContext, error: InjectError) -> Error {
    error.into_error().context(format!("{} cannot be used", context.key))
}

/// Creates the context of a connection, for which tokens are obtained.
pub(super) fn connection_context(runtime: &Runtime, key: ConnectionKey) -> Result<Arc<ConnectionContext>> {
    let provider = Arc::new(provider(runtime, &key.integration)?);
    let app = Arc::new(runtime.config.app(&key.integration));
    Ok(Arc::new(ConnectionContext { provider, key, app }))
}

/// Checks credentials before a token is requested from the provider. Values that its response provides may still be
/// missing.
pub(super) fn check_credentials(
    runtime: &Runtime,
    context: &Arc<ConnectionContext>,
    connection: &Connection,
    credentials: &Credentials,
) -> Result<()> {
    match ResolvedConnection::unstored(runtime, context.clone(), connection.clone(), credentials.clone()) {
        Err(error) if credentials.are_refreshable() && credentials.token().is_none() => {
            let is_pending = error.downcast_ref().is_some_and(|error| needs_token_response(context, error));
            if is_pending { Ok(()) } else { Err(error) }
        }
        fits => fits.map(drop),
    }
}

/// Returns the credentials with a token, and adds the configuration of the token response to the connection. Obtains a
/// token only if the auth mode has tokens and none is given.
pub(super) async fn obtain_token(
    runtime: &Runtime,
    context: &ConnectionContext,
    connection: &mut Connection,
    credentials: Credentials,
) -> Result<Credentials> {
    let now = runtime.clock.now();
    let refresh_at = |end| crate::auth::refresh_at(end, now, context.provider.token.refresh_buffer);
    if !credentials.are_refreshable() || credentials.token().is_some() {
        // A given token may be expired already: then its refresh is due immediately.
        let due = refresh_at(credentials.expires_at()).or(credentials.expires_at());
        connection.refresh_at = due.filter(|_| credentials.are_refreshable());
        return Ok(credentials);
    }
    let ConnectionContext { provider, key: ConnectionKey { integration, .. }, app } = context;
    let redactor = redactor(&credentials, &connection.config, app);
    let subject = TokenContext {
        provider,
        integration,
        credentials: &credentials,
        config: &connection.config,
        app,
        redactor: &redactor,
        now,
        entropy: &*runtime.clock,
    };
    let obtained =
        runtime.token_refresher.obtain_token(&subject).await.map_err(|error| obtain_error(context, error))?;
    connection.refresh_at = refresh_at(obtained.expires_at);
    connection.config.extend(obtained.config.clone());
    Ok(credentials.with_token(&obtained))
}

fn obtain_error(context: &ConnectionContext, error: ObtainError) -> Error {
    error.into_error().context(format!("no token could be obtained for {}", context.key))
}

/// Returns the provider of an integration with the overrides from the settings: the configured provider, the provider
/// with the name of the integration, or a new one for the configured base URL.
pub(super) fn provider(runtime: &Runtime, integration: &str) -> Result<Provider> {
    let fault = |message: String| Error::new(ErrorKind::Connection, message);
    let settings = runtime.config.integrations.get(integration);
    let base_url = settings.and_then(|settings| settings.base_url.as_deref());
    let mut provider = match (runtime.catalogue.get(runtime.config.provider_of(integration)), base_url) {
        (Some(provider), _) => provider.clone(),
        (None, Some(base_url)) => {
            Provider::from_base_url(integration, base_url).map_err(|error| Error::new(ErrorKind::Connection, error))?
        }
        (None, None) => {
            return Err(fault(format!(
                "`{integration}` is not a provider of the catalogue, so its base URL is unknown: put \
                 `base_url = \"https://…\"` (or `provider = \"…\"`) under `[integrations.{integration}]` in nango.toml"
            )));
        }
    };
    if let Some(settings) = settings {
        let headers = settings.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        provider
            .apply_overrides(base_url, headers)
            .map_err(|error| Error::new(ErrorKind::Connection, error))
            .map_err(|error| error.context(format!("`[integrations.{integration}]` in nango.toml cannot be used")))?;
    }
    Ok(provider)
}
