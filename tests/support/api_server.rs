//! The HTTP API of a `registry serve` under test. Every response is checked against the OpenAPI document of the server.
//!
//! ```no_run
//! use nango_tests::{ApiServer, Registry};
//!
//! let mut registry = Registry::new();
//! let server = ApiServer::start(&mut registry);
//! let providers = server.get("/providers?search=github").expect(200);
//! server.stop().expect(0);
//! ```

mod document;
mod operations;

use std::time::Duration;

use reqwest::{
    Client, Method, RequestBuilder,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName},
};
use serde_json::Value;

use crate::{Output, Registry, Running, http_client, wait};
use document::Document;
pub use operations::{Operation, SampleRequest, operations};

/// API key of the servers that tests start, with all scopes.
pub const API_KEY: &str = "key-of-the-tests-with-forty-characters-0";

/// Arguments of a server on a free port.
const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

/// A running server. It is killed if this value is dropped before it ends.
#[derive(Debug)]
pub struct ApiServer {
    running: Running,
    url: String,
    client: Client,
    document: Document,
}

/// A request that is not sent yet.
#[derive(Debug)]
pub struct ApiRequest<'a> {
    server: &'a ApiServer,
    method: Method,
    path: String,
    builder: RequestBuilder,
}

/// Response of the server.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status of the response.
    pub status: u16,
    /// Headers of the response.
    pub headers: HeaderMap,
    /// Body; `null` if there is none, and a string if it is a text.
    pub json: Value,
    request: String,
}

impl ApiServer {
    /// Starts a server on a free port, with the key [`API_KEY`].
    ///
    /// # Panics
    ///
    /// Panics if the server does not start.
    #[track_caller]
    pub fn start(registry: &mut Registry) -> Self {
        registry.env("NANGO_API_KEY", API_KEY);
        Self::connect(serve(registry, &[]))
    }

    /// Starts a server with these settings of `[server]` in `nango.toml`, which has nothing else.
    ///
    /// # Panics
    ///
    /// Panics if the server does not start.
    #[track_caller]
    pub fn start_configured(registry: &mut Registry, settings: &str) -> Self {
        registry.config(&format!("[server]\n{settings}"));
        Self::start(registry)
    }

    /// Starts a server through a program with arguments that executes it, like [`Self::start`].
    ///
    /// # Panics
    ///
    /// Panics if the server does not start.
    #[track_caller]
    pub fn start_under(registry: &mut Registry, program: &[&str]) -> Self {
        registry.env("NANGO_API_KEY", API_KEY);
        Self::connect(listening(registry.start_under(program, SERVE)))
    }

    fn connect((running, url): (Running, String)) -> Self {
        let client = http_client::builder().build().expect("a client");
        let document = wait(http_client::json(client.get(format!("{url}/openapi.json")).bearer_auth(API_KEY)));
        Self { running, url, client, document: Document::new(document) }
    }

    /// Returns the URL of the server, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the address of the server.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Creates a request with the key of the tests.
    pub fn request(&self, method: Method, path: &str) -> ApiRequest<'_> {
        let builder = self.client.request(method.clone(), format!("{}{path}", self.url));
        let builder = builder.header(AUTHORIZATION, format!("Bearer {API_KEY}"));
        ApiRequest { server: self, method, path: path.to_owned(), builder }
    }

    /// Sends a request without a body.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).send()
    }

    /// Sends a request with a JSON body.
    #[track_caller]
    pub fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.request(method, path).json(body).send()
    }

    /// Returns the operations of the server.
    pub fn operations(&self) -> Vec<Operation> {
        operations(self.document.json())
    }

    /// Creates the request of a sample with the key of the tests.
    pub fn sample(&self, sample: &SampleRequest) -> ApiRequest<'_> {
        let mut request = self.request(sample.method.clone(), &sample.path);
        for (name, value) in &sample.headers {
            request = request.header(name, value);
        }
        match &sample.body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    /// Sends SIGTERM and waits for the end of the process.
    #[track_caller]
    pub fn stop(self) -> Output {
        self.running.terminate();
        self.running.finish()
    }
}

impl ApiRequest<'_> {
    /// Adds a header, or replaces it.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let mut headers = HeaderMap::new();
        let name: HeaderName = name.parse().expect("a name of a header");
        headers.insert(name, value.parse().expect("a value of a header"));
        self.builder = self.builder.headers(headers);
        self
    }

    /// Replaces the API key of the request.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    /// Creates the same request without a key. Headers that were added before are lost.
    #[must_use]
    pub fn without_key(mut self) -> Self {
        self.builder = self.server.client.request(self.method.clone(), format!("{}{}", self.server.url, self.path));
        self
    }

    /// Sets the body to JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.text("application/json", body.to_string())
    }

    /// Sets the body to a text of a type.
    #[must_use]
    pub fn text(mut self, content_type: &str, body: impl Into<String>) -> Self {
        self.builder = self.builder.header(CONTENT_TYPE, content_type).body(body.into());
        self
    }

    /// Sends the request and checks the response against the document.
    ///
    /// # Panics
    ///
    /// Panics if there is no response, or it is not as the document describes it.
    #[track_caller]
    pub fn send(self) -> Answer {
        let Self { server, method, path, builder } = self;
        let request = format!("{method} {path}");
        let (status, headers, body) = wait(async move {
            let response = builder.send().await.unwrap_or_else(|error| panic!("no response: {error}"));
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            (status, headers, response.bytes().await.expect("the body of a response"))
        });
        let is_text = headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/plain"));
        let json = if body.is_empty() {
            Value::Null
        } else if is_text {
            String::from_utf8_lossy(&body).into_owned().into()
        } else {
            serde_json::from_slice(&body)
                .unwrap_or_else(|error| panic!("{request}: {status}: {error}: {}", String::from_utf8_lossy(&body)))
        };
        let content_type = headers.get(CONTENT_TYPE).map(|value| value.to_str().expect("text"));
        let found = server.document.check(method.as_str(), &path, status, content_type, &json);
        found.unwrap_or_else(|reason| panic!("{request}: {status}: {reason}: {json:#}"));
        Answer { status, headers, json, request }
    }
}

impl Answer {
    /// Asserts the status, and returns the body.
    ///
    /// # Panics
    ///
    /// Panics with the body if the status differs.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {:#}", self.request, self.json);
        self.json
    }

    /// Asserts the status and the code of an error, and returns the body.
    ///
    /// # Panics
    ///
    /// Panics with the body if one of them differs.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        let found = self.json["error"]["code"].as_str().unwrap_or_default();
        assert_eq!((self.status, found), (status, code), "{}: {:#}", self.request, self.json);
        self.json
    }

    /// Returns a header as text; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Starts `registry serve` on a free port with further arguments, waits until it listens, and returns its URL.
///
/// # Panics
///
/// Panics if the server does not start.
#[track_caller]
pub fn serve(registry: &Registry, arguments: &[&str]) -> (Running, String) {
    listening(registry.start([&SERVE[..], arguments].concat()))
}

#[track_caller]
fn listening(mut running: Running) -> (Running, String) {
    running.wait_until("the address of the server", |running| address(&running.stderr()).is_some());
    let url = address(&running.stderr()).expect("an address");
    (running, url)
}

/// Waits until a probe of the server answers with a status.
///
/// # Panics
///
/// Panics if it does not within a minute.
#[track_caller]
pub fn wait_for_status(server: &ApiServer, path: &str, status: u16) {
    let start = std::time::Instant::now();
    loop {
        let answer = server.get(path);
        if answer.status == status {
            return;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "{path} answers {}: {:#}", answer.status, answer.json);
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Returns the URL in the first line of the server.
fn address(stderr: &str) -> Option<String> {
    let line = stderr.lines().find(|line| line.starts_with("serving "))?;
    let (_, rest) = line.split_once(" at http://")?;
    let (address, _) = rest.split_once(';')?;
    Some(format!("http://{address}"))
}
