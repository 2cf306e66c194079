//! State that all requests share.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::{access_log::ServerLog, database_health::DatabaseHealth, document::Document, metrics::Metrics};
use crate::{auth::KeyCache, config::ServerConfig, engine::Engine, run::Runtime, time::Timestamp};

/// Maximum number of handlers at the same time, which no limit of connections reaches.
pub(super) const MAX_HANDLERS: u32 = 1 << 20;

/// State that all requests share.
pub(crate) struct ServerState {
    /// Functions, catalogue, configuration and database.
    pub runtime: Arc<Runtime>,
    /// Dispatcher of syncs, and the lane of the actions.
    pub engine: Arc<Engine>,
    /// API keys.
    pub keys: KeyCache,
    /// Whether the database responds.
    pub database: Arc<DatabaseHealth>,
    /// Cancelled when the server begins to stop.
    pub stopping: CancellationToken,
    /// Time at which the server started: the functions of its program exist since then.
    pub started_at: Timestamp,
    /// Metrics of this process.
    pub metrics: Arc<Metrics>,
    pub(super) log: Arc<dyn ServerLog>,
    pub(super) document: Document,
    /// One permit per running handler.
    pub(super) handlers: Arc<Semaphore>,
    /// Notified after records were removed.
    pub(super) removed: Notify,
    public_url: String,
}

impl ServerState {
    pub(super) fn new(
        runtime: Arc<Runtime>,
        engine: Arc<Engine>,
        address: SocketAddr,
        stopping: CancellationToken,
        log: Arc<dyn ServerLog>,
        document: Document,
    ) -> Self {
        let config = &runtime.config;
        let keys = KeyCache::new(runtime.store.clone(), runtime.clock.clone(), config.api_key.as_ref());
        let public_url = config.server.public_url.as_ref();
        let public_url =
            public_url.map_or_else(|| local_url(address), |url| url.as_str().trim_end_matches('/').to_owned());
        let metrics = Arc::new(Metrics::new());
        runtime.set_listener(metrics.clone());
        Self {
            engine,
            metrics,
            keys,
            document,
            public_url,
            database: Arc::default(),
            stopping,
            started_at: runtime.clock.now(),
            log,
            handlers: Arc::new(Semaphore::new(MAX_HANDLERS as usize)),
            removed: Notify::new(),
            runtime,
        }
    }

    /// Returns the settings of the server.
    pub(crate) fn settings(&self) -> &ServerConfig {
        &self.runtime.config.server
    }

    /// Requests that the content of removed records is cleared from the database's files, after the response.
    pub(crate) fn clear_removed(&self) {
        self.removed.notify_one();
    }

    /// Returns the URL with which absolute URLs begin, without a slash at its end: the setting `public_url`, or else
    /// the address of the listener.
    pub(crate) fn public_url(&self) -> &str {
        &self.public_url
    }
}

/// Returns the URL of a listener, without a slash at its end. An address of all networks is shown as that of this
/// machine.
pub(super) fn local_url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_of_all_networks_is_that_of_this_machine() {
        assert_eq!(local_url("0.0.0.0:80".parse().unwrap()), "http://127.0.0.1:80");
        assert_eq!(local_url("[::]:80".parse().unwrap()), "http://[::1]:80");
        assert_eq!(local_url("10.0.0.1:80".parse().unwrap()), "http://10.0.0.1:80");
    }
}
