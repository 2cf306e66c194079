//! The real transport: reqwest over rustls.
//!
//! Proxies of the environment (`HTTPS_PROXY`, `NO_PROXY`) are respected; redirects are the pipeline's business and
//! therefore off here.

use std::{error::Error as StdError, io, time::Duration};

use futures_util::{StreamExt, TryStreamExt, future::BoxFuture};
use reqwest::redirect;

use super::{Incoming, Outgoing, Transport, TransportError};

/// How patient the network is.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct NetworkSettings {
    /// How long resolving, connecting and the TLS handshake may take together. Default 10 s.
    pub connect_timeout: Duration,
    /// How long a server may be silent, before its answer or within it. Default 60 s.
    pub idle_timeout: Duration,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(10), idle_timeout: Duration::from_mins(1) }
    }
}

/// The network. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Network(reqwest::Client);

impl Network {
    /// A network with the default patience.
    ///
    /// # Errors
    ///
    /// The TLS library finds no roots, or the environment names a proxy that is none.
    pub fn new() -> Result<Self, TransportError> {
        Self::with(NetworkSettings::default())
    }

    /// A network with a patience of its own.
    ///
    /// # Errors
    ///
    /// As [`Network::new`].
    pub fn with(settings: NetworkSettings) -> Result<Self, TransportError> {
        // An error says that the process has a provider already, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.idle_timeout)
            .build()
            .map(Self)
            .map_err(|error| TransportError::Unsendable(Box::new(error)))
    }
}

impl Transport for Network {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let (method, url, headers, body) = request.into_wire();
            let sent = self.0.request(method, url).headers(headers).body(body).send().await.map_err(classify)?;
            let status = sent.status().as_u16();
            let headers = sent.headers().clone();
            let body = sent.bytes_stream().map_err(classify).boxed();
            Ok(Incoming { status, headers, body })
        })
    }
}

/// The class of a failure; its URL is taken off, because it may carry a key.
fn classify(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    if error.is_builder() {
        TransportError::Unsendable(Box::new(error))
    } else if error.is_connect() {
        TransportError::Unreachable(Box::new(error))
    } else if error.is_timeout() {
        TransportError::Silent(Box::new(error))
    } else if error.is_decode() && is_damaged(&error) {
        TransportError::Unreadable(Box::new(error))
    } else {
        TransportError::Broken(Box::new(error))
    }
}

/// Whether the bytes arrived and make no sense: reqwest reports a lost connection in a body as undecodable, too.
fn is_damaged(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput);
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests;
