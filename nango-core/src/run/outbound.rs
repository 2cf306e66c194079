//! The way out of a connection: its provider with what the settings say over it, where its requests go, and what puts its
//! credentials into them.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::Runtime;
use crate::{
    auth::{
        ConnectionContext, Credentials, CredentialsSource, InjectError, Injector, ObtainError, RefreshError,
        RefreshingAuthorizer, RefreshingCredentials, StaticAuthorizer, TokenContext, redactor,
    },
    error::{Error, ErrorKind, Result},
    http::{Authorize, Client, ClientParts, ClientQuota, Clock, Priority, Transport, Url, WaitObserver},
    provider::{Provider, Variable},
    redact::{Redactor, is_secret_name},
    store::Connection,
};

/// A connection's way out.
#[derive(Debug)]
pub(super) struct Outbound {
    pub(super) context: Arc<ConnectionContext>,
    pub(super) base_url: Url,
    pub(super) credentials: CredentialsSource,
    /// Hides the secrets of the connection, its app and the integration's own headers.
    pub(super) redactor: Redactor,
    authorize: Arc<dyn Authorize>,
}

impl Outbound {
    /// The way out of a stored connection. Its credentials are followed from here on.
    pub(super) async fn for_connection(runtime: &Runtime, connection: &Connection) -> Result<Self> {
        let context = connection_context(runtime, &connection.integration, &connection.id)?;
        let mut current = runtime.tokens.look(&context).await.map_err(refresh_error)?;
        let mut refreshing = RefreshingCredentials::new(runtime.tokens.clone(), context.clone(), current.clone());
        if refreshing.as_ref().is_err_and(|error| comes_with_token(&context, error))
            && current.credentials.are_refreshable()
        {
            current = runtime.tokens.force_refresh(&context).await.map_err(refresh_error)?;
            refreshing = RefreshingCredentials::new(runtime.tokens.clone(), context.clone(), current);
        }
        let refreshing = Arc::new(refreshing.map_err(|error| unusable(&context, error))?);
        let base_url = refreshing.base_url().clone();
        let redactor = refreshing.redactor().clone();
        redact_settings(&redactor, runtime, &context.integration);
        Ok(Self {
            context,
            base_url,
            credentials: CredentialsSource::Refreshing(refreshing.clone()),
            redactor,
            authorize: Arc::new(RefreshingAuthorizer(refreshing)),
        })
    }

    /// The way out of a connection that is not stored yet.
    pub(super) fn with_credentials(
        runtime: &Runtime,
        connection: &Connection,
        credentials: Credentials,
    ) -> Result<Self> {
        let context = connection_context(runtime, &connection.integration, &connection.id)?;
        let base_url = context.base_url(&connection.config, &credentials);
        let base_url = base_url.map_err(|error| unusable(&context, error.into()))?;
        let ConnectionContext { provider, integration, app, .. } = &*context;
        let injector = Injector::new(provider, integration, &credentials, &connection.config, app)
            .map_err(|error| unusable(&context, error))?;
        let authorize = Arc::new(StaticAuthorizer { injector, clock: runtime.clock.clone() });
        let redactor = redactor(&credentials, &connection.config, app);
        redact_settings(&redactor, runtime, integration);
        Ok(Self {
            base_url,
            credentials: CredentialsSource::Static(credentials),
            redactor,
            authorize,
            context: context.clone(),
        })
    }

    /// Where requests go, as it may be shown.
    pub(super) fn redacted_base_url(&self) -> String {
        self.redactor.hide_url(self.base_url.clone()).into()
    }

    /// The pipeline of this way. `lane`: who waits for it; `watch` is told of waits for limits.
    pub(super) fn client(
        &self,
        runtime: &Runtime,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        priority: Priority,
        watch: Option<Arc<dyn WaitObserver>>,
    ) -> Client {
        let ConnectionContext { provider, integration, connection, .. } = &*self.context;
        let proxy = &provider.proxy;
        let limiter = runtime.rate_limiters.of(integration, connection, proxy.retry.shared_quota);
        let listed = runtime.config.integrations.get(integration).map(|settings| settings.trusted_origins.as_slice());
        let trusted = listed.unwrap_or_default().iter().filter_map(|text| Some(Url::parse(text).ok()?.origin()));
        let mut parts = ClientParts::new(transport, clock, self.base_url.clone())
            .trusted_origins(trusted.collect())
            .authorize(self.authorize.clone())
            .retry(Arc::new(proxy.retry.clone()))
            .forward_headers(proxy.forward_headers)
            .integration(integration)
            .redactor(self.redactor.clone())
            .quota(ClientQuota { rate_limiter: limiter, connection: connection.clone(), priority });
        if let Some(watch) = watch {
            if let CredentialsSource::Refreshing(refreshing) = &self.credentials {
                refreshing.set_wait_observer(watch.clone());
            }
            parts = parts.wait_observer(watch, provider.display_name.clone());
        }
        Client::new(parts)
    }
}

/// The error of the key is carried, so that what is set up is told apart from what is typed.
fn refresh_error(error: RefreshError) -> Error {
    match &error {
        RefreshError::Sealed { source, .. } => {
            Error::new(ErrorKind::Connection, source.clone()).context(error.to_string())
        }
        _ => Error::new(ErrorKind::Connection, error),
    }
}

/// Adds what the operator's settings hold of secrets: headers of the integration and values for functions, by their
/// names.
fn redact_settings(redactor: &Redactor, runtime: &Runtime, integration: &str) {
    let headers = runtime.config.integrations.get(integration).map(|settings| &settings.headers);
    let headers = headers.into_iter().flatten();
    for (name, value) in headers.chain(&runtime.config.environment) {
        if is_secret_name(name) {
            redactor.add(Zeroizing::new(value.clone()));
        }
    }
}

/// Whether a value is missing that the provider tells together with a token.
fn comes_with_token(context: &ConnectionContext, error: &InjectError) -> bool {
    let InjectError::Resolve(error) = error else { return false };
    matches!(error.missing(), Some(Variable::Config(name)) if context.provider.response_config.contains(&name))
}

/// The error is carried, so that `wire` and `cli` can tell what was typed from what is set up.
fn unusable(context: &ConnectionContext, error: InjectError) -> Error {
    let message = format!("connection `{}` of `{}` cannot be used", context.connection, context.integration);
    Error::new(ErrorKind::Connection, error).context(message)
}

/// Whose token it is.
pub(super) fn connection_context(
    runtime: &Runtime,
    integration: &str,
    connection: &str,
) -> Result<Arc<ConnectionContext>> {
    Ok(Arc::new(ConnectionContext {
        provider: Arc::new(provider(runtime, integration)?),
        integration: integration.to_owned(),
        connection: connection.to_owned(),
        app: Arc::new(runtime.config.app(integration)),
    }))
}

/// Whether credentials fit, before the provider is asked for a token. What its answer brings may be missing yet.
pub(super) fn check_credentials(runtime: &Runtime, connection: &Connection, credentials: &Credentials) -> Result<()> {
    match Outbound::with_credentials(runtime, connection, credentials.clone()) {
        Err(error) if credentials.are_refreshable() && credentials.token().is_none() => {
            let context = connection_context(runtime, &connection.integration, &connection.id)?;
            let is_pending = error.downcast_ref().is_some_and(|error| comes_with_token(&context, error));
            if is_pending { Ok(()) } else { Err(error) }
        }
        fits => fits.map(drop),
    }
}

/// The credentials with a token, where one is to be had for them and none is there; and what came with it.
pub(super) async fn obtain_token(
    runtime: &Runtime,
    context: &ConnectionContext,
    connection: &mut Connection,
    credentials: Credentials,
) -> Result<Credentials> {
    let now = runtime.clock.now();
    let renew_at = |end| crate::auth::renew_at(end, now, context.provider.token.refresh_buffer);
    if !credentials.are_refreshable() || credentials.token().is_some() {
        // A token that was given has lived elsewhere: one that has ended is due, not born dead.
        let due = renew_at(credentials.expires_at()).or(credentials.expires_at());
        connection.renew_at = due.filter(|_| credentials.are_refreshable());
        return Ok(credentials);
    }
    let ConnectionContext { provider, integration, app, .. } = context;
    let redactor = redactor(&credentials, &connection.config, app);
    let subject = TokenContext {
        provider,
        integration,
        credentials: &credentials,
        config: &connection.config,
        app,
        redactor: &redactor,
        now,
    };
    let obtained = runtime.tokens.obtain_token(&subject).await.map_err(|error| obtain_error(context, error))?;
    connection.renew_at = renew_at(obtained.expires_at);
    connection.config.extend(obtained.config.clone());
    Ok(credentials.with_token(&obtained))
}

fn obtain_error(context: &ConnectionContext, error: ObtainError) -> Error {
    let message =
        format!("no token could be obtained for connection `{}` of `{}`", context.connection, context.integration);
    Error::new(ErrorKind::Connection, error).context(message)
}

/// The provider of an integration, with what the settings say over it: the one that they name, the one of its name,
/// or one of its own at the base URL that they give.
pub(super) fn provider(runtime: &Runtime, integration: &str) -> Result<Provider> {
    let fault = |message: String| Error::new(ErrorKind::Connection, message);
    let settings = runtime.config.integrations.get(integration);
    let named = settings.and_then(|settings| settings.provider.as_deref());
    let base_url = settings.and_then(|settings| settings.base_url.as_deref());
    let mut provider = match (runtime.catalogue.get(named.unwrap_or(integration)), base_url) {
        (Some(provider), _) => provider.clone(),
        (None, Some(base_url)) => {
            Provider::from_base_url(integration, base_url).map_err(|error| fault(error.to_string()))?
        }
        (None, None) => {
            return Err(fault(format!(
                "`{integration}` is no provider of the catalogue, so its base URL is not known: put \
                 `base_url = \"https://…\"` (or `provider = \"…\"`) under `[integrations.{integration}]` in nango.toml"
            )));
        }
    };
    if let Some(settings) = settings {
        let headers = settings.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        provider
            .apply_overrides(base_url, headers)
            .map_err(|error| fault(format!("`[integrations.{integration}]` in nango.toml cannot be used: {error}")))?;
    }
    Ok(provider)
}
