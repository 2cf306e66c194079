//! HTTP clients with which tests control the servers that they start.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, RequestBuilder};
use serde::de::DeserializeOwned;

use crate::wait;

/// Returns a builder of a client without a proxy, whose requests time out after 30 seconds.
pub fn builder() -> ClientBuilder {
    // The workspace builds reqwest without a default TLS provider; another test may have installed the same one before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().timeout(Duration::from_secs(30))
}

/// Sends a request and returns the JSON of its response.
///
/// # Panics
///
/// Panics if there is no response, or it is not JSON of this type.
pub async fn json<T: DeserializeOwned>(request: RequestBuilder) -> T {
    let response = request.send().await.expect("a response of the server");
    let url = response.url().clone();
    let text = response.text().await.expect("the response of the server");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{url}: {error}: {text}"))
}

/// Sends a request from a test that is not async, see [`json`].
///
/// # Panics
///
/// Panics like [`json`].
pub fn json_blocking<T: DeserializeOwned + Send + 'static>(request: RequestBuilder) -> T {
    wait(json(request))
}
