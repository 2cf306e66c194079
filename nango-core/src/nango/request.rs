//! Request builder of functions: `nango.get("/user").query("page", 2).json::<User>().await?`.

use std::{fmt::Display, future::IntoFuture, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use reqwest::{
    Method,
    header::{HeaderName, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{Nango, response::Response};
use crate::{
    declare::{BoxFuture, ErrorAt, IntoEndpoint},
    error::{Error, ErrorKind, Result},
    http::{Body, OutgoingRequest, Part, RequestSpec, StreamBody, Url},
    paginate::check_declared_errors,
};

/// Builder of a request. There is no `send`: the request is sent when it is awaited, or by one of [`json`](Self::json),
/// [`text`](Self::text), [`bytes`](Self::bytes) and [`stream`](Self::stream).
#[derive(Debug)]
#[must_use = "a request is sent when it is awaited"]
pub struct Request {
    nango: Nango,
    spec: RequestSpec,
    /// Whether the request is independent of the connection: no base URL, credentials or retries.
    is_fetch: bool,
    /// First error of a builder method. Sending returns it.
    deferred_error: Option<Error>,
}

impl Nango {
    /// Returns a GET request to the provider. The endpoint is joined to the provider's base URL; a query in it is kept.
    ///
    /// Use [`path!`](crate::path!) to insert values into the endpoint. It encodes each value as one segment:
    ///
    /// ```no_run
    /// # use nango_core::prelude::*;
    /// # async fn label(nango: Nango, owner: String, name: String) -> Result<Value> {
    /// nango.get(path!("/repos/{owner}/demo/labels/{name}")).json().await
    /// # }
    /// ```
    ///
    /// The request fails if the endpoint is not an absolute URL and has a segment `.` or `..`, in any encoding.
    pub fn get(&self, endpoint: impl IntoEndpoint) -> Request {
        self.request(Method::GET, endpoint)
    }

    /// Returns a POST request to the provider.
    pub fn post(&self, endpoint: impl IntoEndpoint) -> Request {
        self.request(Method::POST, endpoint)
    }

    /// Returns a PUT request to the provider.
    pub fn put(&self, endpoint: impl IntoEndpoint) -> Request {
        self.request(Method::PUT, endpoint)
    }

    /// Returns a PATCH request to the provider.
    pub fn patch(&self, endpoint: impl IntoEndpoint) -> Request {
        self.request(Method::PATCH, endpoint)
    }

    /// Returns a DELETE request to the provider.
    pub fn delete(&self, endpoint: impl IntoEndpoint) -> Request {
        self.request(Method::DELETE, endpoint)
    }

    /// Returns a request to the provider with any method.
    #[doc(alias = "proxy")]
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

    /// Returns a GET request to any absolute URL: without credentials, without the integration's headers, without
    /// retries. Every status is accepted.
    pub fn fetch(&self, url: impl Into<String>) -> Request {
        Request { is_fetch: true, ..self.request(Method::GET, url.into()) }
    }
}

impl Request {
    /// Sets the method, for [`Nango::fetch`].
    pub fn method(mut self, method: Method) -> Self {
        self.spec.method = method;
        self
    }

    /// Adds a query parameter. It replaces a parameter with the same name in the endpoint.
    pub fn query(mut self, name: impl Into<String>, value: impl Display) -> Self {
        self.spec.query.push((name.into(), value.to_string()));
        self
    }

    /// Sets a header. The headers of the provider and of the credentials are added automatically.
    pub fn header(mut self, name: &str, value: impl Display) -> Self {
        match (HeaderName::try_from(name), HeaderValue::try_from(value.to_string())) {
            (Ok(name), Ok(value)) => {
                self.spec.headers.insert(name, value);
            }
            (Err(_), _) => self.defer_error(Error::msg(format!("`{name}` is not the name of a header"))),
            (_, Err(_)) => {
                self.defer_error(Error::msg(format!(
                    "the value of the header `{name}` contains a character that headers do not allow"
                )));
            }
        }
        self
    }

    /// Sets a JSON body, given by value or by reference: `.body(json!({ "name": name }))`, `.body(&input)`.
    pub fn body(mut self, body: impl Serialize) -> Self {
        match serde_json::to_vec(&body) {
            Ok(json) => self.spec.body = Body::Json(json.into()),
            Err(error) => self
                .defer_error(Error::new(ErrorKind::Internal, error).context("the body cannot be serialized to JSON")),
        }
        self
    }

    /// Sets a form body (`application/x-www-form-urlencoded`).
    pub fn form<K: Into<String>, V: Display>(mut self, fields: impl IntoIterator<Item = (K, V)>) -> Self {
        self.spec.body = Body::Form(fields.into_iter().map(|(name, value)| (name.into(), value.to_string())).collect());
        self
    }

    /// Sets a body of any content type.
    pub fn raw_body(mut self, bytes: impl Into<Bytes>, content_type: impl Into<String>) -> Self {
        self.spec.body = Body::Raw { bytes: bytes.into(), content_type: content_type.into() };
        self
    }

    /// Sets a form with files, sent as `multipart/form-data`: `.multipart([Part::text("title", "Plan"),
    /// Part::file("file", "plan.pdf", "application/pdf", bytes)])`.
    pub fn multipart(mut self, parts: impl IntoIterator<Item = Part>) -> Self {
        self.spec.body = Body::Multipart(parts.into_iter().collect());
        self
    }

    /// Sets a streamed body, for data that is too large for memory. It cannot be sent twice, so the request is not
    /// retried, and a redirect that requires the body again is an error.
    pub fn stream_body<S, E>(mut self, pieces: S, content_type: impl Into<String>) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        self.spec.body = Body::Stream(StreamBody::new(pieces, content_type));
        self
    }

    /// Sets the timeout of each attempt, including the response body. Default: 10 minutes. Waits for rate limits do not
    /// count, and the body of a streamed response is not limited.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.spec.timeout = Some(timeout);
        self
    }

    /// Sets the maximum size of the response body in bytes. Default: 256 MiB. A larger body is an error. A streamed
    /// response has no limit.
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.spec.max_body_bytes = Some(bytes);
        self
    }

    /// Sets the maximum number of retries. Default: 0. Waits between attempts follow the provider's `Retry-After`.
    pub fn retries(mut self, times: u32) -> Self {
        self.spec.retries = times;
        self
    }

    /// Adds statuses that are retried for any method. Use it only if repeating the request is safe.
    pub fn retry_on(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.spec.retry_on.extend(statuses);
        self
    }

    /// Adds statuses, besides 2xx, that are not errors: `.accept([409])`.
    pub fn accept(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.spec.accept.extend(statuses);
        self
    }

    /// Declares an error in a response with a success status, in place of those of the provider's entry. The request
    /// fails with the provider's text, which is available as `error.http()`. It may be called several times.
    ///
    /// ```no_run
    /// # use nango_core::prelude::*;
    /// # async fn read(nango: Nango) -> Result<Value> {
    /// nango.get("/users.list").error_at(ErrorAt::when("ok", false).message("error")).json().await
    /// # }
    /// ```
    ///
    /// A streamed response is not checked. If the error is [`partial`](crate::prelude::ErrorAt::partial), the data is
    /// returned and a warning is logged.
    pub fn error_at(mut self, error: ErrorAt) -> Self {
        if let Err(wrong) = check_declared_errors(std::slice::from_ref(&error)) {
            self.defer_error(wrong.into_error());
        }
        self.spec.error_at.push(error);
        self
    }

    /// Sets another base URL for this request. Credentials are sent to its origin.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.spec.base_url = Some(url.into());
        self
    }

    /// Accepts status 404: `.optional().json::<T>()` returns `None` for it.
    pub fn optional(self) -> OptionalRequest {
        OptionalRequest(self.accept([404]))
    }

    /// Sends the request and decodes the response from JSON to type `T`.
    pub fn json<T: DeserializeOwned>(self) -> impl Future<Output = Result<T>> + Send {
        let sent = self.into_future();
        async move { sent.await?.json() }
    }

    /// Sends the request and returns the response body as text.
    pub async fn text(self) -> Result<String> {
        Ok(self.into_future().await?.text())
    }

    /// Sends the request and returns the bytes of the response body.
    pub async fn bytes(self) -> Result<Bytes> {
        Ok(self.into_future().await?.body().clone())
    }

    /// Sends the request and returns the response body as a stream, for data that is too large for memory.
    pub async fn stream(self) -> Result<impl Stream<Item = Result<Bytes>> + Send> {
        let is_fetch = self.is_fetch;
        let (nango, spec) = self.into_spec()?;
        let context = nango.active_context()?;
        let streaming = if is_fetch {
            context.client.fetch_stream(&absolute_request(&spec)?).await
        } else {
            context.client.stream(&spec).await
        };
        let redactor = context.client.redactor().clone();
        let streaming = streaming.map_err(|error| error.into_error().redacted(&redactor))?;
        Ok(streaming.body.map_err(move |error| error.into_error().redacted(&redactor)))
    }

    /// Converts to the specification of a request to the provider. Fails for [`Nango::fetch`], which has no pagination
    /// of the provider.
    pub(super) fn into_provider_spec(self) -> Result<RequestSpec> {
        if self.is_fetch {
            return Err(Error::msg(
                "`nango.paginate` requires a request to the provider: pass `nango.get(…)` instead of `nango.fetch(…)`",
            ));
        }
        Ok(self.into_spec()?.1)
    }

    fn into_spec(self) -> Result<(Nango, RequestSpec)> {
        match self.deferred_error {
            Some(error) => Err(error),
            None => Ok((self.nango, self.spec)),
        }
    }

    #[cold]
    fn defer_error(&mut self, error: Error) {
        self.deferred_error.get_or_insert(error);
    }
}

impl IntoFuture for Request {
    type Output = Result<Response>;
    type IntoFuture = BoxFuture<Result<Response>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let is_fetch = self.is_fetch;
            let (nango, spec) = self.into_spec()?;
            let context = nango.active_context()?;
            let response = if is_fetch {
                context.client.fetch(&absolute_request(&spec)?).await
            } else {
                context.client.send(&spec).await
            };
            let response = response.map_err(|error| error.into_error().redacted(context.client.redactor()))?;
            if !is_fetch {
                context.note_request(&response);
            }
            if spec.error_at.is_empty() {
                // The errors of the provider's entry are checked when the body is read as JSON.
                let of_provider = !is_fetch && !context.provider.proxy.errors.is_empty();
                return Ok(Response::new(response, of_provider.then(|| context.clone())));
            }
            context.check_declared(&spec.error_at, &response)?;
            Ok(Response::new(response, None))
        })
    }
}

/// Builds a request to an absolute URL.
fn absolute_request(spec: &RequestSpec) -> Result<OutgoingRequest> {
    let mut url: Url = spec.endpoint.parse().map_err(|error: url::ParseError| {
        let url = spec.endpoint.split(['?', '#']).next().unwrap_or_default();
        Error::new(ErrorKind::Internal, error)
            .context(format!("`{url}` is not an absolute URL such as `https://example.com/file`"))
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

/// Request that returns `None` for status 404.
#[derive(Debug)]
#[must_use = "a request is sent when it is awaited"]
pub struct OptionalRequest(Request);

impl OptionalRequest {
    /// Sends the request and decodes the response from JSON. Returns `None` for status 404.
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
