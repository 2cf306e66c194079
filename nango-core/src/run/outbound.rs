//! The way out of a connection: its provider with what the settings say over it, where its requests go, and what puts its
//! credentials into them.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::Instance;
use crate::{
    auth::{
        Credentials, Fixed, Following, Held, Holder, InjectError, Injector, Live, ObtainError, RefreshError, Subject,
        redactor,
    },
    error::{Error, ErrorKind, Result},
    http::{Authorize, Client, ClientParts, Clock, Lane, Quota, Transport, Url, Watch},
    provider::{Provider, Variable},
    redact::{Redactor, is_secret_name},
    store::Connection,
};

/// A connection's way out.
#[derive(Debug)]
pub(super) struct Outbound {
    pub(super) holder: Arc<Holder>,
    pub(super) base_url: Url,
    pub(super) held: Held,
    /// Hides the secrets of the connection, its app and the integration's own headers.
    pub(super) redactor: Redactor,
    authorize: Arc<dyn Authorize>,
}

impl Outbound {
    /// The way out of a stored connection. Its credentials are followed from here on.
    pub(super) async fn of(instance: &Instance, connection: &Connection) -> Result<Self> {
        let holder = holder(instance, &connection.integration, &connection.id)?;
        let mut current = instance.tokens.look(&holder).await.map_err(closed)?;
        let mut live = Live::new(instance.tokens.clone(), holder.clone(), current.clone());
        if live.as_ref().is_err_and(|error| is_to_be_learned(&holder, error)) && current.credentials.are_renewed() {
            current = instance.tokens.forced(&holder).await.map_err(closed)?;
            live = Live::new(instance.tokens.clone(), holder.clone(), current);
        }
        let live = Arc::new(live.map_err(|error| unusable(&holder, error))?);
        let base_url = live.base_url().clone();
        let redactor = live.redactor().clone();
        add_settings(&redactor, instance, &holder.integration);
        Ok(Self { holder, base_url, held: Held::Live(live.clone()), redactor, authorize: Arc::new(Following(live)) })
    }

    /// The way out of a connection that is not stored yet.
    pub(super) fn fixed(instance: &Instance, connection: &Connection, credentials: Credentials) -> Result<Self> {
        let holder = holder(instance, &connection.integration, &connection.id)?;
        let base_url = holder.base_url(&connection.config, &credentials);
        let base_url = base_url.map_err(|error| unusable(&holder, error.into()))?;
        let Holder { provider, integration, app, .. } = &*holder;
        let injector = Injector::new(provider, integration, &credentials, &connection.config, app)
            .map_err(|error| unusable(&holder, error))?;
        let authorize = Arc::new(Fixed { injector, clock: instance.clock.clone() });
        let redactor = redactor(&credentials, &connection.config, app);
        add_settings(&redactor, instance, integration);
        Ok(Self { base_url, held: Held::Fixed(credentials), redactor, authorize, holder: holder.clone() })
    }

    /// Where requests go, as it may be shown.
    pub(super) fn shown_base_url(&self) -> String {
        self.redactor.hide_url(self.base_url.clone()).into()
    }

    /// The pipeline of this way. `lane`: who waits for it; `watch` is told of waits for limits.
    pub(super) fn client(
        &self,
        instance: &Instance,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        lane: Lane,
        watch: Option<Arc<dyn Watch>>,
    ) -> Client {
        let Holder { provider, integration, connection, .. } = &*self.holder;
        let proxy = &provider.proxy;
        let budget = instance.budgets.of(integration, connection, proxy.retry.shared);
        let listed = instance.config.integrations.get(integration).map(|settings| settings.trusted_origins.as_slice());
        let trusted = listed.unwrap_or_default().iter().filter_map(|text| Some(Url::parse(text).ok()?.origin()));
        let mut parts = ClientParts::new(transport, clock, self.base_url.clone())
            .trusted_origins(trusted.collect())
            .authorize(self.authorize.clone())
            .retry(Arc::new(proxy.retry.clone()))
            .forward_headers(proxy.forward_headers)
            .integration(integration)
            .redactor(self.redactor.clone())
            .quota(Quota { budget, connection: connection.clone(), lane });
        if let Some(watch) = watch {
            if let Held::Live(live) = &self.held {
                live.watch(watch.clone());
            }
            parts = parts.watch(watch, provider.display_name.clone());
        }
        Client::new(parts)
    }
}

/// The error of the key is carried, so that what is set up is told apart from what is typed.
fn closed(error: RefreshError) -> Error {
    match &error {
        RefreshError::Sealed { source, .. } => {
            Error::new(ErrorKind::Connection, source.clone()).context(error.to_string())
        }
        _ => Error::new(ErrorKind::Connection, error),
    }
}

/// Adds what the operator's settings hold of secrets: headers of the integration and values for functions, by their
/// names.
fn add_settings(redactor: &Redactor, instance: &Instance, integration: &str) {
    let headers = instance.config.integrations.get(integration).map(|settings| &settings.headers);
    let headers = headers.into_iter().flatten();
    for (name, value) in headers.chain(&instance.config.environment) {
        if is_secret_name(name) {
            redactor.add(Zeroizing::new(value.clone()));
        }
    }
}

/// Whether a value is missing that the provider tells together with a token.
fn is_to_be_learned(holder: &Holder, error: &InjectError) -> bool {
    let InjectError::Resolve(error) = error else { return false };
    matches!(error.missing(), Some(Variable::Config(name)) if holder.provider.learned.contains(&name))
}

/// The error is carried, so that `wire` and `cli` can tell what was typed from what is set up.
fn unusable(holder: &Holder, error: InjectError) -> Error {
    let doing = format!("connection `{}` of `{}` cannot be used", holder.connection, holder.integration);
    Error::new(ErrorKind::Connection, error).context(doing)
}

/// Whose token it is.
pub(super) fn holder(instance: &Instance, integration: &str, connection: &str) -> Result<Arc<Holder>> {
    Ok(Arc::new(Holder {
        provider: Arc::new(provider(instance, integration)?),
        integration: integration.to_owned(),
        connection: connection.to_owned(),
        app: Arc::new(instance.config.app(integration)),
    }))
}

/// Whether credentials fit, before the provider is asked for a token. What its answer brings may be missing yet.
pub(super) fn check(instance: &Instance, connection: &Connection, credentials: &Credentials) -> Result<()> {
    match Outbound::fixed(instance, connection, credentials.clone()) {
        Err(error) if credentials.are_renewed() && credentials.token().is_none() => {
            let holder = holder(instance, &connection.integration, &connection.id)?;
            let learned = error.downcast_ref().is_some_and(|error| is_to_be_learned(&holder, error));
            if learned { Ok(()) } else { Err(error) }
        }
        fits => fits.map(drop),
    }
}

/// The credentials with a token, where one is to be had for them and none is there; and what came with it.
pub(super) async fn with_token(
    instance: &Instance,
    holder: &Holder,
    connection: &mut Connection,
    credentials: Credentials,
) -> Result<Credentials> {
    let now = instance.clock.now();
    let renew_at = |end| crate::auth::renew_at(end, now, holder.provider.token.buffer);
    if !credentials.are_renewed() || credentials.token().is_some() {
        // A token that was given has lived elsewhere: one that has ended is due, not born dead.
        let due = renew_at(credentials.expires_at()).or(credentials.expires_at());
        connection.renew_at = due.filter(|_| credentials.are_renewed());
        return Ok(credentials);
    }
    let Holder { provider, integration, app, .. } = holder;
    let redactor = redactor(&credentials, &connection.config, app);
    let subject = Subject {
        provider,
        integration,
        credentials: &credentials,
        config: &connection.config,
        app,
        redactor: &redactor,
        now,
    };
    let obtained = instance.tokens.obtain(&subject).await.map_err(|error| refused(holder, error))?;
    connection.renew_at = renew_at(obtained.expires_at);
    connection.config.extend(obtained.config.clone());
    Ok(credentials.renewed(&obtained))
}

fn refused(holder: &Holder, error: ObtainError) -> Error {
    let doing =
        format!("no token could be obtained for connection `{}` of `{}`", holder.connection, holder.integration);
    Error::new(ErrorKind::Connection, error).context(doing)
}

/// The provider of an integration, with what the settings say over it: the one that they name, the one of its name,
/// or one of its own at the base URL that they give.
pub(super) fn provider(instance: &Instance, integration: &str) -> Result<Provider> {
    let fault = |message: String| Error::new(ErrorKind::Connection, message);
    let settings = instance.config.integrations.get(integration);
    let named = settings.and_then(|settings| settings.provider.as_deref());
    let base_url = settings.and_then(|settings| settings.base_url.as_deref());
    let mut provider = match (instance.catalogue.get(named.unwrap_or(integration)), base_url) {
        (Some(provider), _) => provider.clone(),
        (None, Some(base_url)) => Provider::plain(integration, base_url).map_err(|error| fault(error.to_string()))?,
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
            .override_with(base_url, headers)
            .map_err(|error| fault(format!("`[integrations.{integration}]` in nango.toml cannot be used: {error}")))?;
    }
    Ok(provider)
}
