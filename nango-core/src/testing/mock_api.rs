//! The mock's provider: its answers, and the requests that it received.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use tokio_util::sync::CancellationToken;

#[cfg(test)]
pub(crate) use super::clock::AutoAdvanceClock;
use super::{
    answer::{Answer, MockResponse},
    expected_request::describe,
    received_request::ReceivedRequest,
};
use crate::{
    http::{BoxFuture, OutgoingRequest, RawResponse, Transport, TransportError},
    nango::lock_state,
};

/// Maximum number of answers that an error lists.
const LISTED_ANSWERS: usize = 10;

#[derive(Debug, Default)]
struct MockApiState {
    answers: Vec<Answer>,
    received: Vec<ReceivedRequest>,
    /// Error of the first request without an answer.
    unanswered: Option<String>,
    stop: CancellationToken,
}

/// A transport with scripted answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct MockApi(Arc<Mutex<MockApiState>>);

impl MockApi {
    /// Adds an answer. Of the answers for a request, the first one that is left is used.
    pub(super) fn push(&self, answer: Answer) {
        lock_state(&self.0).answers.push(answer);
    }

    /// Makes the answer that was added last available to any number of requests.
    ///
    /// # Panics
    ///
    /// Panics if no answer was added.
    pub(super) fn repeat_last(&self) {
        match lock_state(&self.0).answers.last_mut() {
            Some(last) => last.always = true,
            None => panic!("`always` repeats the answer before it, and there is none"),
        }
    }

    /// Adds a response for a path. Several responses for one path are returned in order; the last one is repeated.
    #[cfg(test)]
    pub(crate) fn add(&self, path: &str, status: u16, headers: &[(&str, &str)], body: impl serde::Serialize) {
        let mut state = lock_state(&self.0);
        state
            .answers
            .iter_mut()
            .filter(|answer| answer.expected.path() == path)
            .for_each(|answer| answer.always = false);
        let expected = super::expected_request::ExpectedRequest::new(None, path);
        let response = MockResponse::json(status, headers, &body);
        state.answers.push(Answer { always: true, ..Answer::new(expected, response) });
    }

    /// Returns the requests so far, in order.
    pub(crate) fn seen(&self) -> Vec<ReceivedRequest> {
        lock_state(&self.0).received.clone()
    }

    /// Returns the cancellation of the current run.
    pub(super) fn stop(&self) -> CancellationToken {
        lock_state(&self.0).stop.clone()
    }

    /// Replaces the cancellation if it was used, so that the next run is not cancelled.
    pub(super) fn renew_stop(&self) {
        let mut state = lock_state(&self.0);
        if state.stop.is_cancelled() {
            state.stop = CancellationToken::new();
        }
    }

    /// Returns the descriptions of the answers that must be used and were not.
    pub(super) fn unused(&self) -> Vec<String> {
        let state = lock_state(&self.0);
        let unused = state.answers.iter().filter(|answer| !answer.served && !answer.always);
        unused.map(|answer| format!("`{}`", answer.expected)).collect()
    }

    /// Returns the error of the first request without an answer.
    pub(super) fn unanswered(&self) -> Option<String> {
        lock_state(&self.0).unanswered.clone()
    }

    async fn respond(&self, request: OutgoingRequest) -> Result<RawResponse, TransportError> {
        let (method, url, headers, payload) = request.into_parts()?;
        let received = ReceivedRequest {
            method: method.to_string(),
            path: url.path().to_owned(),
            query: url.query_pairs().into_owned().collect(),
            headers,
            body: payload.read().await?,
        };
        let response = lock_state(&self.0).receive(received);
        match response {
            Ok(MockResponse::Http { status, headers, body }) => Ok(RawResponse::from_bytes(status, headers, body)),
            Ok(MockResponse::Lost) => Err(TransportError::Disconnected("the mock loses the connection here".into())),
            Ok(MockResponse::Cancelled) => {
                self.stop().cancel();
                std::future::pending().await
            }
            Err(message) => Err(TransportError::InvalidRequest(message.into())),
        }
    }
}

impl MockApiState {
    /// Records a request and returns its response.
    fn receive(&mut self, request: ReceivedRequest) -> Result<MockResponse, String> {
        let mut left = self.answers.iter_mut().filter(|answer| answer.is_left());
        let answer = left.find(|answer| answer.expected.mismatches(&request).is_empty()).map(|answer| {
            answer.served = true;
            answer.response.clone()
        });
        let response = answer.ok_or_else(|| self.no_answer(&request));
        if let Err(message) = &response {
            self.unanswered.get_or_insert_with(|| message.clone());
        }
        self.received.push(request);
        response
    }

    /// Returns the error of a request without an answer: why the nearest answer is not for it, and which are left.
    fn no_answer(&self, request: &ReceivedRequest) -> String {
        let mut message = format!("the mock has no answer for {}", describe(request));
        let left: Vec<&Answer> = self.answers.iter().filter(|answer| answer.is_left()).collect();
        let used = self.answers.iter().filter(|answer| !answer.is_left());
        let repeats = used.filter(|answer| answer.expected.mismatches(request).is_empty()).count();
        if repeats > 0 {
            let times = if repeats == 1 { "one was used".to_owned() } else { format!("{repeats} were used") };
            let _ = write!(message, "; {times} before (each is used once, or any number of times with `.always()`)");
        }
        let nearest = left.iter().min_by_key(|answer| {
            answer.expected.mismatches(request).iter().map(|mismatch| mismatch.rank).sum::<usize>()
        });
        let Some(nearest) = nearest else { return message + "; no answer is left" };
        let reasons: Vec<String> =
            nearest.expected.mismatches(request).into_iter().map(|mismatch| mismatch.reason).collect();
        let _ = write!(message, "; the nearest one left is `{}`, but {}", nearest.expected, reasons.join(", "));
        let others: Vec<String> = left.iter().map(|answer| format!("`{}`", answer.expected)).collect();
        if others.len() > 1 {
            let more = if others.len() > LISTED_ANSWERS { ", …" } else { "" };
            let listed = others[..others.len().min(LISTED_ANSWERS)].join(", ");
            let _ = write!(message, "; left: {listed}{more}");
        }
        message
    }
}

impl Transport for MockApi {
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        Box::pin(async move {
            // Other walks proceed while a response is on its way.
            tokio::task::yield_now().await;
            self.respond(request).await
        })
    }
}
