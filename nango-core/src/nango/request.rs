//! Requests to the provider, as functions write them: `nango.get("/user").query("page", 2).json::<User>().await?`.

use std::{fmt::Display, future::IntoFuture, sync::OnceLock, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Nango, cancellation::interrupted};
use crate::{
    declare::{BoxFuture, IntoEndpoint},
    error::{Error, ErrorKind, Result},
    http::{self, Body, OutgoingRequest, Part, RequestSpec, StreamBody, Url},
    json,
};

/// A request that is being written. It is sent when awaited, or by one of [`json`](Self::json), [`text`](Self::text),
/// [`bytes`](Self::bytes) and [`stream`](Self::stream).
#[derive(Debug)]
#[must_use = "a request is sent when it is awaited"]
pub struct Request {
    nango: Nango,
    spec: RequestSpec,
    /// Whether it has nothing to do with the connection.
    is_fetch: bool,
    /// The first mistake of the builder: it surfaces when the request is sent.
    deferred_error: Option<Error>,
}

impl Nango {
    /// A GET request to the provider. The endpoint is joined to the provider's base URL; a query in it is kept.
    ///
    /// Values go into the endpoint with [`path!`](crate::path!), which encodes each of them as one segment:
    ///
    /// ```no_run
    /// # use nango_core::prelude::*;
    /// # async fn label(nango: Nango, owner: String, name: String) -> Result<Value> {
    /// nango.get(path!("/repos/{owner}/demo/labels/{name}")).json().await
    /// # }
    /// ```
    ///
    /// An endpoint that is not a whole URL must not have the segments `.` and `..`, in any spelling: the request fails.
    pub fn get(&self, endpoint: impl IntoEndpoint) -> Request {
        self.request(Method::GET, endpoint)
    }

    /// A POST request to the provider.
    pub fn post(&self, endpoint: impl IntoEndpoint) -> Request {
        self.request(Method::POST, endpoint)
    }

    /// A PUT request to the provider.
    pub fn put(&self, endpoint: impl IntoEndpoint) -> Request {
        self.request(Method::PUT, endpoint)
    }

    /// A PATCH request to the provider.
    pub fn patch(&self, endpoint: impl IntoEndpoint) -> Request {
        self.request(Method::PATCH, endpoint)
    }

    /// A DELETE request to the provider.
    pub fn delete(&self, endpoint: impl IntoEndpoint) -> Request {
        self.request(Method::DELETE, endpoint)
    }

    /// A request of any method to the provider.
    pub fn request(&self, method: Method, endpoint: impl IntoEndpoint) -> Request {
        let (endpoint, error) = match endpoint.into_endpoint().into_string() {
            Ok(endpoint) => (endpoint, None),
            Err(error) => (String::new(), Some(error)),
        };
        Request {
            nango: self.clone(),
            spec: RequestSpec::new(method, endpoint),
            is_fetch: false,
            deferred_error: error,
        }
    }

    /// A GET request to any absolute URL: without credentials, without the integration's headers, without retries.
    /// Every status is an answer.
    pub fn fetch(&self, url: impl Into<String>) -> Request {
        Request { is_fetch: true, ..self.request(Method::GET, url.into()) }
    }
}

impl Request {
    /// Another method, for [`Nango::fetch`].
    pub fn method(mut self, method: Method) -> Self {
        self.spec.method = method;
        self
    }

    /// Adds a query parameter; it replaces one of this name in the endpoint.
    pub fn query(mut self, name: impl Into<String>, value: impl Display) -> Self {
        self.spec.query.push((name.into(), value.to_string()));
        self
    }

    /// Sets a header. The provider's own headers and the credentials are set without it.
    pub fn header(mut self, name: &str, value: impl Display) -> Self {
        match (HeaderName::try_from(name), HeaderValue::try_from(value.to_string())) {
            (Ok(name), Ok(value)) => {
                self.spec.headers.insert(name, value);
            }
            (Err(_), _) => self.defer_error(format!("`{name}` is not the name of a header")),
            (_, Err(_)) => {
                self.defer_error(format!("the value of the header `{name}` has a character that none may have"));
            }
        }
        self
    }

    /// A JSON body.
    pub fn body(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(json) => self.spec.body = Body::Json(json.into()),
            Err(error) => self.defer_error(format!("the body cannot be written as JSON: {error}")),
        }
        self
    }

    /// A form body.
    pub fn form<K: Into<String>, V: Display>(mut self, fields: impl IntoIterator<Item = (K, V)>) -> Self {
        self.spec.body = Body::Form(fields.into_iter().map(|(name, value)| (name.into(), value.to_string())).collect());
        self
    }

    /// A body of any type.
    pub fn raw_body(mut self, bytes: impl Into<Bytes>, content_type: impl Into<String>) -> Self {
        self.spec.body = Body::Raw { bytes: bytes.into(), content_type: content_type.into() };
        self
    }

    /// A form with files, sent as `multipart/form-data`:
    /// `.multipart([Part::text("title", "Plan"), Part::file("file", "plan.pdf", "application/pdf", bytes)])`.
    pub fn multipart(mut self, parts: impl IntoIterator<Item = Part>) -> Self {
        self.spec.body = Body::Multipart(parts.into_iter().collect());
        self
    }

    /// A body that is sent as it comes, for what is too large to hold. It is gone then, so such a request has no
    /// retries, and a redirect that asks for the body again is an error.
    pub fn stream_body<S, E>(mut self, pieces: S, content_type: impl Into<String>) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        self.spec.body = Body::Stream(StreamBody::new(pieces, content_type));
        self
    }

    /// How long each try may take, the answer's body included; 10 minutes without it. Waits for the provider's limits
    /// are not part of it, and a streamed answer may take longer.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.spec.timeout = Some(timeout);
        self
    }

    /// How many bytes of the answer's body are held, 256 MiB without it; more is an error. A streamed answer has no
    /// limit.
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.spec.max_body_bytes = Some(bytes);
        self
    }

    /// How often a failed request is tried again; 0 without it. Waits follow the provider's `Retry-After`.
    pub fn retries(mut self, times: u32) -> Self {
        self.spec.retries = times;
        self
    }

    /// Statuses that are tried again whatever the method, beside the usual ones: the caller knows that it is safe.
    pub fn retry_on(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.spec.retry_on.extend(statuses);
        self
    }

    /// Statuses beside 2xx that are answers and not errors: `.accept([409])`.
    pub fn accept(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.spec.accept.extend(statuses);
        self
    }

    /// Another base URL for this request; credentials go to its origin.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.spec.base_url = Some(url.into());
        self
    }

    /// Makes 404 an answer: `.optional().json::<T>()` gives `None` then.
    pub fn optional(self) -> OptionalRequest {
        OptionalRequest(self.accept([404]))
    }

    /// Sends it and reads the answer as JSON of type `T`.
    pub fn json<T: DeserializeOwned>(self) -> impl Future<Output = Result<T>> + Send {
        let sent = self.into_future();
        async move { sent.await?.json() }
    }

    /// Sends it and reads the answer as text.
    pub async fn text(self) -> Result<String> {
        Ok(self.into_future().await?.text())
    }

    /// Sends it and gives the answer's bytes.
    pub async fn bytes(self) -> Result<Bytes> {
        Ok(self.into_future().await?.body().clone())
    }

    /// Sends it and gives the answer's body as it arrives, for what is too large to hold.
    pub async fn stream(self) -> Result<impl Stream<Item = Result<Bytes>> + Send> {
        let foreign = self.is_fetch;
        let (nango, spec) = self.into_spec()?;
        let context = nango.context();
        context.check()?;
        let streaming = if foreign {
            context.client.fetch_stream(&absolute_request(&spec)?).await
        } else {
            context.client.stream(&spec).await
        };
        let redactor = context.client.redactor().clone();
        let streaming = streaming.map_err(|error| error.into_error().redacted(&redactor))?;
        Ok(streaming.body.map_err(move |error| error.into_error().redacted(&redactor)))
    }

    /// The call of a request to the provider; a foreign one has no pages of the provider.
    pub(super) fn into_provider_spec(self) -> Result<RequestSpec> {
        if self.is_fetch {
            return Err(Error::msg(
                "`nango.paginate` walks the provider's endpoints: give it `nango.get(…)`, not `nango.fetch(…)`",
            ));
        }
        Ok(self.into_spec()?.1)
    }

    fn into_spec(self) -> Result<(Nango, RequestSpec)> {
        match self.deferred_error {
            Some(mistake) => Err(mistake),
            None => Ok((self.nango, self.spec)),
        }
    }

    #[cold]
    fn defer_error(&mut self, message: String) {
        self.deferred_error.get_or_insert_with(|| Error::new(ErrorKind::Internal, message));
    }
}

impl IntoFuture for Request {
    type Output = Result<Response>;
    type IntoFuture = BoxFuture<Result<Response>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let foreign = self.is_fetch;
            let (nango, spec) = self.into_spec()?;
            let context = nango.context();
            context.check()?;
            let sent = async {
                let response = if foreign {
                    context.client.fetch(&absolute_request(&spec)?).await
                } else {
                    context.client.send(&spec).await
                };
                response.map_err(|error| error.into_error().redacted(context.client.redactor()))
            };
            // A wait between two attempts ends with the run, too.
            let response = tokio::select! {
                biased;
                answer = sent => answer?,
                () = context.cancellation.cancelled() => return Err(interrupted()),
            };
            if !foreign {
                context.note_request(&response);
            }
            Ok(Response { inner: response, data: OnceLock::new() })
        })
    }
}

/// A request to anywhere, as it leaves.
fn absolute_request(spec: &RequestSpec) -> Result<OutgoingRequest> {
    let mut url: Url = spec.endpoint.parse().map_err(|error| {
        let url = spec.endpoint.split(['?', '#']).next().unwrap_or_default();
        Error::msg(format!("`{url}` is no absolute URL, such as `https://example.com/file`: {error}"))
    })?;
    if !spec.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&spec.query);
    }
    let mut outgoing = OutgoingRequest::new(spec.method.clone(), url);
    outgoing.headers = spec.headers.clone();
    outgoing.body = spec.body.clone();
    outgoing.timeout = spec.timeout;
    outgoing.max_body_bytes = spec.max_body_bytes;
    Ok(outgoing)
}

/// A request whose 404 means that there is nothing.
#[derive(Debug)]
#[must_use = "a request is sent when it is awaited"]
pub struct OptionalRequest(Request);

impl OptionalRequest {
    /// Sends it and reads the answer as JSON; `None` for 404.
    pub fn json<T: DeserializeOwned>(self) -> impl Future<Output = Result<Option<T>>> + Send {
        let sent = self.into_future();
        async move { sent.await?.map(|response| response.json()).transpose() }
    }
}

impl IntoFuture for OptionalRequest {
    type Output = Result<Option<Response>>;
    type IntoFuture = BoxFuture<Result<Option<Response>>>;

    fn into_future(self) -> Self::IntoFuture {
        let sent = self.0.into_future();
        Box::pin(async move {
            let response = sent.await?;
            Ok((response.status() != 404).then_some(response))
        })
    }
}

/// An answer of the provider.
#[derive(Debug)]
pub struct Response {
    inner: http::Response,
    data: OnceLock<Value>,
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.inner.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.inner.headers
    }

    /// A header as text, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON, parsed on first use. An empty body is `null`; a body that is no JSON is a string, and so is one
    /// with a number that a [`Value`] would round.
    pub fn data(&self) -> &Value {
        self.data.get_or_init(|| match self.inner.body.as_ref() {
            [] => Value::Null,
            body => json::value_or_text(body, json::charset(&self.inner.headers)),
        })
    }

    /// The body as JSON of type `T`.
    ///
    /// # Errors
    ///
    /// It is not: the error names the request, the status, the content type and the field, and quotes the first characters
    /// of a body that is no JSON. A number that a [`Value`] in `T` would round is an error, too.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        self.inner.json().map_err(|error| Error::new(ErrorKind::Decode, error))
    }

    /// The body as text, in the charset that its byte order mark or its content type names, else UTF-8. Bytes that are not
    /// in it are replaced by U+FFFD.
    pub fn text(&self) -> String {
        self.inner.text()
    }

    /// The body's bytes.
    pub fn body(&self) -> &Bytes {
        &self.inner.body
    }

    /// Where the answer came from, after redirects, without its query (it may carry a key).
    pub fn url(&self) -> String {
        http::redacted_url(&self.inner.request.url)
    }

    /// How often the request was sent.
    pub fn attempts(&self) -> u32 {
        self.inner.attempts
    }

    /// What was sent, without secrets.
    pub fn request(&self) -> &http::RedactedRequest {
        &self.inner.request
    }
}
