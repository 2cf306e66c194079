//! Script of the mock's provider: which requests it answers, and how.

use std::fmt::Display;

use serde::Serialize;

use super::{
    answer::{Answer, MockResponse},
    expected_request::ExpectedRequest,
    mock::Mock,
};

/// Requests that the next answer of a [`Mock`] is for. Every request fits in the parts that are not set.
///
/// ```
/// use nango_core::{prelude::*, testing::Mock};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let mock = Mock::new()
///     .on("POST", "/search")
///     .body(json!({ "query": { "state": "open" } }))
///     .header("X-Version", "2")
///     .reply(json!({ "results": [1, 2] }));
///
/// let nango: Nango = mock.nango();
/// let body = json!({ "query": { "state": "open" }, "limit": 100 });
/// let found = nango.post("/search").header("x-version", "2").body(&body).await?;
/// assert_eq!(found.data()["results"], json!([1, 2]));
/// # Ok::<(), Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "an answer is added by `reply`, `reply_with`, `reply_headers`, `page`, `lose_connection` or `cancel`"]
pub struct On {
    mock: Mock,
    expected: ExpectedRequest,
}

impl On {
    /// Expects a query parameter with this value.
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        self.expected.query(name, value.to_string());
        self
    }

    /// Expects a header with this value.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.expected.header(name, value);
        self
    }

    /// Expects a body that contains this JSON: objects in the request may have more fields, while arrays have the same
    /// number of elements. The fields of a form are compared as an object of texts.
    ///
    /// # Panics
    ///
    /// Panics if the value cannot be written as JSON.
    pub fn body(mut self, body: impl Serialize) -> Self {
        match serde_json::to_value(body) {
            Ok(body) => self.expected.body(body),
            Err(error) => panic!("the expected body cannot be written as JSON: {error}"),
        }
        self
    }

    /// Answers with status 200 and this JSON body.
    #[must_use]
    pub fn reply(self, body: impl Serialize) -> Mock {
        self.reply_headers(200, &[], body)
    }

    /// Answers with this status and JSON body.
    #[must_use]
    pub fn reply_with(self, status: u16, body: impl Serialize) -> Mock {
        self.reply_headers(status, &[], body)
    }

    /// Answers with this status, these headers and this JSON body.
    ///
    /// # Panics
    ///
    /// Panics if a header is invalid.
    #[must_use]
    pub fn reply_headers(self, status: u16, headers: &[(&str, &str)], body: impl Serialize) -> Mock {
        let response = MockResponse::json(status, headers, &body);
        self.add(response)
    }

    /// Answers with a page whose `Link` header names the next one: an absolute URL, a path, or a query such as
    /// `?page=2`.
    #[must_use]
    pub fn page(self, next: &str, body: impl Serialize) -> Mock {
        let next = if next.starts_with('?') { format!("{}{next}", self.expected.path()) } else { next.to_owned() };
        self.reply_headers(200, &[("link", &format!("<{next}>; rel=\"next\""))], body)
    }

    /// Loses the connection in place of an answer. The request fails; it is retried only if retries are declared.
    #[must_use]
    pub fn lose_connection(self) -> Mock {
        self.add(MockResponse::Lost)
    }

    /// Cancels the run while it waits for the answer, as Ctrl-C does. The next run can resume it.
    #[must_use]
    pub fn cancel(self) -> Mock {
        self.add(MockResponse::Cancelled)
    }

    fn add(self, response: MockResponse) -> Mock {
        self.mock.api().push(Answer::new(self.expected, response));
        self.mock
    }
}

impl Mock {
    /// Begins an answer for requests with this method and path, such as `.on("POST", "/search").reply(json!([]))`. The
    /// path may have a query: its parameters are expected, and a request may have more.
    ///
    /// Of the answers for a request, the first one that was not used yet is returned.
    pub fn on(self, method: &str, path: &str) -> On {
        On { mock: self, expected: ExpectedRequest::new(Some(method), path) }
    }

    /// Answers a request of this path, whatever its method, with status 200 and this JSON body. Several answers for one
    /// path are returned in order. For more conditions, see [`on`](Self::on).
    #[must_use]
    pub fn reply(self, path: &str, body: impl Serialize) -> Self {
        self.on_path(path).reply(body)
    }

    /// Adds an answer as [`reply`](Self::reply), with another status.
    #[must_use]
    pub fn reply_with(self, path: &str, status: u16, body: impl Serialize) -> Self {
        self.on_path(path).reply_with(status, body)
    }

    /// Adds an answer as [`reply`](Self::reply), with another status and with headers.
    ///
    /// # Panics
    ///
    /// Panics if a header is invalid.
    #[must_use]
    pub fn reply_headers(self, path: &str, status: u16, headers: &[(&str, &str)], body: impl Serialize) -> Self {
        self.on_path(path).reply_headers(status, headers, body)
    }

    /// Adds a page whose `Link` header names the next one: an absolute URL, a path, or a query such as `?page=2`.
    #[must_use]
    pub fn page(self, path: &str, next: &str, body: impl Serialize) -> Self {
        self.on_path(path).page(next, body)
    }

    /// Returns the answer before it to any number of requests, including none: `.reply("/me", me).always()`. Without
    /// this, an answer is used once, and the test fails if it is not used.
    ///
    /// # Panics
    ///
    /// Panics if there is no answer yet.
    #[must_use]
    pub fn always(self) -> Self {
        self.api().repeat_last();
        self
    }

    fn on_path(self, path: &str) -> On {
        On { mock: self, expected: ExpectedRequest::new(None, path) }
    }
}
