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
    arrival::Arrival,
    clock::ReplayClock,
    format::{CredentialsOutcome, Exchange, Header},
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
/// Maximum wait for a response that the recorded run did not wait for.
const MAX_UNREAD_WAIT: Duration = Duration::from_secs(30);

/// Answers of a recording for one replay.
#[derive(Debug)]
pub(crate) struct Replayer {
    answers: Mutex<Answers>,
    /// Order of the answers, if the recorded run failed, was interrupted or was a dry run.
    arrival: Option<Arrival>,
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
        let Header { kind, integration, function, .. } = &recorded.header;
        let function = format!("{kind} `{integration}/{function}`");
        // The report of a dry run lists the first changes.
        let is_ordered = !recorded.has_succeeded() || recorded.header.options.dry_run;
        Ok(Self {
            base_url,
            credentials,
            redactor: recorded.redactor(),
            answers: Mutex::new(Answers::new(function, &recorded.exchanges)),
            arrival: is_ordered.then(|| Arrival::of(&recorded.exchanges)),
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
        let (line, exchange) = answer.map_err(|message| TransportError::InvalidRequest(message.into()))?;
        self.wait_for_turn(line, &exchange).await;
        let Exchange { response, error, sent_at, ended_at, .. } = exchange;
        let is_cancelled = error == Some(RecordedError::Cancelled);
        self.clock.advance_to(if is_cancelled { sent_at } else { ended_at });
        let Some(response) = response else {
            if is_cancelled {
                return cancel(self.cancellation.clone(), sent_at, ended_at).await;
            }
            let error = error.unwrap_or(RecordedError::Unread);
            if error == RecordedError::Unread {
                wait_unread(sent_at, ended_at).await;
            }
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
                match error {
                    RecordedError::Cancelled => return cancel(cancellation, sent_at, ended_at).await,
                    RecordedError::Unread => wait_unread(sent_at, ended_at).await,
                    _ => {}
                }
                Err(error.to_transport_error())
            }
        });
        Ok(RawResponse { status: response.status, headers, body: begin.chain(end).boxed() })
    }

    /// Waits until the answers have arrived that arrived before this one in the recorded run, if their order has
    /// an effect: they decide what the run had committed by then.
    async fn wait_for_turn(&self, line: usize, exchange: &Exchange) {
        let Some(arrival) = &self.arrival else { return };
        if exchange.is_required() {
            arrival.wait_for_earlier(line).await;
            arrival.arrived(line);
        } else if exchange.error == Some(RecordedError::Cancelled) {
            arrival.wait_for_earlier(usize::MAX).await;
        }
    }
}

/// Waits as long as the recorded run did for a response that it did not read, and a second more: a function that drops
/// the request does so in the meantime.
async fn wait_unread(sent_at: Timestamp, ended_at: Timestamp) {
    let waited = ended_at.saturating_duration_since(sent_at).saturating_add(MAX_WAIT);
    SystemClock.sleep(waited.min(MAX_UNREAD_WAIT)).await;
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
