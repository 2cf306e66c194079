//! Replay of a recording: the transport and the authorizer of a run without a network.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    answers::Answers,
    clock::ReplayClock,
    format::{CredentialsOutcome, Exchange},
    mask::Masker,
    reader::{RecordedRun, RecordingError},
    transport::recorded_request,
    transport_error::RecordedError,
};
use crate::{
    auth::Credentials,
    error::ErrorKind,
    http::{
        AuthError, Authorize, BoxFuture, CredentialsVersion, OutgoingRequest, RawResponse, Transport, TransportError,
    },
    redact::Redactor,
    time::{Clock as _, SystemClock, Timestamp},
};

/// Maximum wait before a replay is cancelled.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// Answers of a recording for one replay.
#[derive(Debug)]
pub(crate) struct Replayer {
    answers: Mutex<Answers>,
    outcomes: Mutex<VecDeque<CredentialsOutcome>>,
    clock: Arc<ReplayClock>,
    /// Cancels the run where the recorded one was cancelled.
    cancellation: CancellationToken,
    last_request: AtomicU64,
    base_url: Url,
    credentials: Credentials,
    redactor: Redactor,
}

impl Replayer {
    /// Creates the answers for one replay of a recording.
    ///
    /// # Errors
    ///
    /// Fails if the base URL or the credentials of the recording are damaged.
    pub(crate) fn new(
        recorded: &RecordedRun,
        clock: Arc<ReplayClock>,
        cancellation: CancellationToken,
    ) -> Result<Self, RecordingError> {
        let damaged = |reason: &str| RecordingError::Line { line: 1, reason: reason.to_owned() };
        let base_url = Url::parse(&recorded.header.base_url).map_err(|_| damaged("`base_url` is not a URL"))?;
        let credentials = Credentials::from_stored(recorded.header.credentials.clone());
        let credentials = credentials.ok_or_else(|| damaged("`credentials` have no known `type`"))?;
        Ok(Self {
            base_url,
            credentials,
            redactor: recorded.redactor(),
            answers: Mutex::new(Answers::new(&recorded.exchanges)),
            outcomes: Mutex::new(recorded.outcomes.iter().cloned().collect()),
            clock,
            cancellation,
            last_request: AtomicU64::new(0),
        })
    }

    /// Returns the base URL of the recorded connection.
    pub(crate) fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// Returns the credentials of the recorded connection, with placeholders.
    pub(crate) fn credentials(&self) -> Credentials {
        self.credentials.clone()
    }

    /// Returns the redactor of the placeholders.
    pub(crate) fn redactor(&self) -> Redactor {
        self.redactor.clone()
    }

    /// Returns the transport, which sends nothing.
    pub(crate) fn transport(self: &Arc<Self>) -> Arc<dyn Transport> {
        Arc::new(ReplayTransport(self.clone()))
    }

    /// Returns the authorizer, which adds no credentials.
    pub(crate) fn authorizer(self: &Arc<Self>) -> Arc<dyn Authorize> {
        Arc::new(ReplayAuthorize(self.clone()))
    }

    /// Returns the messages about requests without an answer, in order.
    pub(crate) fn missing(&self) -> Vec<String> {
        lock(&self.answers).missing()
    }

    /// Returns a message about the answers that were not used.
    pub(crate) fn unused(&self) -> Option<String> {
        lock(&self.answers).unused()
    }

    /// Returns the recorded error of the credentials before the next request.
    fn take_unusable(&self) -> Option<AuthError> {
        let next = self.last_request.load(Ordering::Acquire) + 1;
        let outcome = self.take_outcome(|outcome| outcome.before.is_some_and(|before| before <= next))?;
        outcome.error.as_ref().map(auth_error)
    }

    /// Returns the recorded result of the credentials after a 401.
    fn take_unauthorized(&self) -> Result<bool, AuthError> {
        match self.take_outcome(|outcome| outcome.before.is_none()) {
            Some(CredentialsOutcome { error: Some(error), .. }) => Err(auth_error(&error)),
            Some(outcome) => Ok(outcome.refreshed),
            None => Ok(false),
        }
    }

    fn take_outcome(&self, is_wanted: impl Fn(&CredentialsOutcome) -> bool) -> Option<CredentialsOutcome> {
        let mut outcomes = lock(&self.outcomes);
        let at = outcomes.iter().position(is_wanted)?;
        outcomes.remove(at)
    }

    async fn answer(self: Arc<Self>, request: OutgoingRequest) -> Result<RawResponse, TransportError> {
        self.last_request.fetch_add(1, Ordering::AcqRel);
        let asked = match request.unauthorized.as_deref() {
            Some(asked) => (&asked.url, &asked.headers, &asked.body),
            None => (&request.url, &request.headers, &request.body),
        };
        let parent = request.parent.as_deref();
        let asked = recorded_request(&Masker::default(), parent, request.method.as_str(), asked, &Redactor::default());
        let answer = lock(&self.answers).take(&asked);
        let Exchange { response, error, sent_at, ended_at, .. } =
            answer.map_err(|message| TransportError::InvalidRequest(message.into()))?;
        let is_cancelled = error == Some(RecordedError::Cancelled);
        self.clock.advance_to(if is_cancelled { sent_at } else { ended_at });
        let Some(response) = response else {
            if is_cancelled {
                return cancel(self.cancellation.clone(), sent_at, ended_at).await;
            }
            let error = error.unwrap_or(RecordedError::Unread);
            return Err(error.to_transport_error());
        };
        let headers = response.headers.iter().filter_map(|(name, value)| {
            Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?))
        });
        let headers: HeaderMap = headers.collect();
        let Some(body) = response.body.bytes() else {
            return Err(TransportError::Unreadable("the body in the recording is not valid base64".into()));
        };
        let begin = stream::iter((!body.is_empty()).then_some(Ok(body)));
        let cancellation = self.cancellation.clone();
        let end = stream::iter(error).then(move |error| {
            let cancellation = cancellation.clone();
            async move {
                if error == RecordedError::Cancelled {
                    return cancel(cancellation, sent_at, ended_at).await;
                }
                Err(error.to_transport_error())
            }
        });
        Ok(RawResponse { status: response.status, headers, body: begin.chain(end).boxed() })
    }
}

/// Cancels a run as the recorded one was cancelled while it waited for a response. Pages that it committed in the
/// meantime are committed here too, so that the wait takes as long, at most [`MAX_WAIT`].
async fn cancel<T>(cancellation: CancellationToken, sent_at: Timestamp, ended_at: Timestamp) -> T {
    SystemClock.sleep(ended_at.saturating_duration_since(sent_at).min(MAX_WAIT)).await;
    cancellation.cancel();
    std::future::pending().await
}

fn auth_error((kind, message): &(String, String)) -> AuthError {
    AuthError::new(ErrorKind::from_name(kind).unwrap_or(ErrorKind::Connection), message.clone())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Transport of a replay.
#[derive(Debug)]
struct ReplayTransport(Arc<Replayer>);

impl Transport for ReplayTransport {
    fn send(&self, request: OutgoingRequest) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        Box::pin(self.0.clone().answer(request))
    }
}

/// Authorizer of a replay: it adds no credentials, and has the results that the recorded ones had.
#[derive(Debug)]
struct ReplayAuthorize(Arc<Replayer>);

impl Authorize for ReplayAuthorize {
    fn authorize<'a>(
        &'a self,
        request: &'a mut OutgoingRequest,
    ) -> BoxFuture<'a, Result<CredentialsVersion, AuthError>> {
        request.unauthorized = Some(Arc::new(request.to_unauthorized()));
        let error = self.0.take_unusable();
        Box::pin(std::future::ready(error.map_or_else(|| Ok(CredentialsVersion::default()), Err)))
    }

    fn on_unauthorized(&self, _used: CredentialsVersion) -> BoxFuture<'_, Result<bool, AuthError>> {
        Box::pin(std::future::ready(self.0.take_unauthorized()))
    }
}
