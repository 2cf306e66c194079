//! Listeners and connections: addresses, limits of the HTTP parser, and the stop.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    access_log::ServerLog,
    client_stream::ClientStream,
    document::Document,
    host_names::HostNames,
    openapi::document_json,
    removed_content,
    router::router,
    service::ApiService,
    state::{MAX_HANDLERS, ServerState, local_url},
};
use crate::{config::ServerConfig, engine::Engine, run::Runtime};

/// Maximum number of headers of a request.
const MAX_HEADERS: usize = 100;
/// Smallest buffer of the HTTP parser, in bytes.
const MIN_BUFFER: usize = 8 << 10;
/// Pause after the system refused to accept a connection, for example because no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Time in which open connections may receive their last response, after all handlers have ended.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Error of the start of a server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ServeError {
    /// The address cannot be used.
    #[error("cannot listen on {address}: another program may use it. Choose another address or port")]
    Listen {
        /// Address of the listener.
        address: SocketAddr,
        /// Error of the operating system.
        source: io::Error,
    },
}

/// Open listener with its address.
struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

/// Open listeners of a server. Connections wait in the queue of the system until the server runs.
pub(crate) struct Listeners {
    api: Listener,
    operations: Option<Listener>,
}

impl Listeners {
    /// Opens the listeners of the configuration.
    ///
    /// # Errors
    ///
    /// Fails if an address cannot be used.
    pub(crate) async fn open(server: &ServerConfig) -> Result<Self, ServeError> {
        let api = listen(server.listen).await?;
        let operations = match server.operations_listen {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        Ok(Self { api, operations })
    }

    /// Returns the URL of the API on this machine.
    pub(crate) fn url(&self) -> String {
        local_url(self.api.address)
    }

    /// Creates the server of these listeners.
    pub(crate) fn into_server(
        self,
        runtime: Arc<Runtime>,
        engine: Arc<Engine>,
        stopping: CancellationToken,
        log: Arc<dyn ServerLog>,
    ) -> BoundServer {
        let Self { api, operations } = self;
        let document = Document::new(document_json);
        let state = Arc::new(ServerState::new(runtime, engine, api.address, stopping, log, document));
        BoundServer { state, api, operations }
    }
}

/// Server whose listeners are open, but which accepts no connection yet.
pub(crate) struct BoundServer {
    state: Arc<ServerState>,
    api: Listener,
    operations: Option<Listener>,
}

impl BoundServer {
    /// Returns the URL of the listener.
    pub(crate) fn url(&self) -> String {
        local_url(self.api.address)
    }

    /// Serves requests until a stop is requested, and the requests in progress have ended or their time is
    /// over.
    pub(crate) async fn run(self) {
        let Self { state, api, operations } = self;
        let (clock, log) = (state.runtime.clock.clone(), state.log.clone());
        let ended = CancellationToken::new();
        let observation = state.database.clone().observe(
            state.runtime.store.clone(),
            clock.clone(),
            log.clone(),
            state.metrics.clone(),
            ended.clone(),
        );
        let observation = tokio::spawn(observation);
        let clearing = tokio::spawn(removed_content::clear(state.clone(), ended.clone()));
        let router = router(&state);
        let mut listeners = JoinSet::new();
        for (listener, is_operator) in [(Some(api), false), (operations, true)] {
            let Some(listener) = listener else { continue };
            let Listener { listener, address } = listener;
            let acceptor = Acceptor {
                state: state.clone(),
                hosts: Arc::new(HostNames::new(state.settings(), address)),
                router: router.clone(),
                is_operator,
                ended: ended.clone(),
            };
            listeners.spawn(acceptor.accept(listener));
        }
        state.stopping.cancelled().await;
        // While handlers run, the listeners stay open, so that `/ready` reports the stop.
        let idle = state.handlers.acquire_many(MAX_HANDLERS);
        tokio::select! {
            _ = idle => {}
            () = clock.sleep(state.settings().stop_timeout) => {
                log.on_event("stop_timeout", "requests in progress were interrupted, because their time is over");
            }
        }
        ended.cancel();
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, async { while listeners.join_next().await.is_some() {} }).await;
        // They end by themselves, because the token is cancelled.
        let _ = tokio::join!(observation, clearing);
    }
}

async fn listen(address: SocketAddr) -> Result<Listener, ServeError> {
    let error = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(error)?;
    let address = listener.local_addr().map_err(error)?;
    Ok(Listener { listener, address })
}

/// Accepts the connections of one listener.
struct Acceptor {
    state: Arc<ServerState>,
    hosts: Arc<HostNames>,
    router: Router,
    is_operator: bool,
    ended: CancellationToken,
}

impl Acceptor {
    /// Accepts connections until the server ends, and then waits for the open ones to close.
    async fn accept(self, listener: TcpListener) {
        let limit = usize::try_from(self.state.settings().connections).unwrap_or(usize::MAX);
        let permits = Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
        let mut connections = JoinSet::new();
        loop {
            let accepted = async {
                // Connections beyond the limit wait in the queue of the system.
                let permit = permits.clone().acquire_owned().await.ok()?;
                Some((listener.accept().await, permit))
            };
            tokio::select! {
                () = self.ended.cancelled() => break,
                // Ended connections are removed.
                Some(_) = connections.join_next() => {}
                accepted = accepted => match accepted {
                    Some((Ok((stream, peer)), permit)) => {
                        connections.spawn(self.connection(stream, peer, permit));
                    }
                    Some((Err(_), _)) => self.state.runtime.clock.sleep(ACCEPT_PAUSE).await,
                    None => break,
                },
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        permit: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + Send + 'static {
        let service = ApiService {
            state: self.state.clone(),
            hosts: self.hosts.clone(),
            router: self.router.clone(),
            peer: peer.ip(),
            is_operator: self.is_operator,
        };
        let ended = self.ended.clone();
        let settings = self.state.settings();
        let (clock, write_limit) = (self.state.runtime.clock.clone(), settings.idle_timeout);
        // The parser accepts more than the limit, so that the response is an error of the API.
        let buffer = usize::try_from(settings.head_bytes * 2).unwrap_or(usize::MAX).max(MIN_BUFFER);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(settings.idle_timeout)
            .max_headers(MAX_HEADERS)
            .max_buf_size(buffer)
            .half_close(false);
        async move {
            let _permit = permit;
            // A response is written at once, also if the client has not read the one before.
            let _ = stream.set_nodelay(true);
            let service =
                service_fn(move |request: hyper::Request<Incoming>| service.clone().call(request.map(Body::new)));
            let stream = ClientStream::new(stream, clock, write_limit);
            let connection = http.serve_connection(TokioIo::new(stream), service);
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                // Errors of a connection, such as a reset, concern only its client.
                _ = connection.as_mut() => {}
                () = ended.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            }
        }
    }
}
