//! One refresh: acquires the lock and the lease, requests a token and stores the outcome.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    ConnectionContext, CredentialsSnapshot, LastRefresh, RefreshReason, StateAtRequest, TokenRefresher,
    error::RefreshError,
    lease::{LeaseHeartbeat, LeaseWait},
    schedule::{MAX_BACKOFF, backoff, refresh_at},
};
use crate::{
    auth::{
        ObtainedToken, TokenContext,
        obtain::{self, ObtainError, TOKEN_TIMEOUT},
        redactor,
    },
    error::Chain,
    http::{Client, ClientParts, Url, WaitObserver},
    store::{ClaimOutcome, Connection, ConnectionKey, RefreshClaim, RefreshEnd, StoreError, failpoint::failpoint},
    time::Timestamp,
};

/// Duration of a lease without heartbeat. If its process was killed, other processes wait for this long.
const LEASE: Duration = Duration::from_secs(15);
/// Interval at which the lease of another process is polled, and first delay between attempts to store an outcome.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Age below which a rejected token is not refreshed again, because a newer one would be rejected too.
const MIN_TOKEN_AGE: Duration = Duration::from_secs(10);
/// Number of days without a token after which any response without one counts as a rejection.
const MAX_REJECTED_DAYS: u64 = 3;
/// Time during which storing an outcome is retried, in addition to the database's own busy timeout.
const STORE_RETRY_WINDOW: Duration = Duration::from_secs(30);

impl TokenRefresher {
    /// Acquires the refresh lock and the lease, and refreshes the token unless another caller or process has done so.
    pub(super) async fn refresh_once(
        self: &Arc<Self>,
        context: &Arc<ConnectionContext>,
        why: RefreshReason,
        requested_at: Instant,
        watch: Option<Arc<dyn WaitObserver>>,
    ) -> Result<CredentialsSnapshot, RefreshError> {
        let lock = self.refresh_lock(context);
        let mut last = lock.lock().await;
        let mut waiting = LeaseWait::new(context.describe(), watch);
        let failed = |error| context.store_failed(error);
        loop {
            if let Some((claim, end)) = last.unstored.clone() {
                self.store.end_refresh(claim, end).await.map_err(failed)?;
                last.unstored = None;
            }
            let current = self.load(context).await?;
            if self.is_satisfied(&current, &last, why, requested_at) {
                return Ok(current);
            }
            self.check_may_refresh(context, &current, &last, why, requested_at)?;
            let claim = RefreshClaim {
                row: current.connection.row,
                version: current.connection.version,
                holder: self.clock.uuid(),
                lease: LEASE,
            };
            match self.store.claim_refresh(claim).await.map_err(failed)? {
                ClaimOutcome::Acquired { interrupted } => {
                    // Another refresh may have ended between loading and claiming. From here on, none can.
                    let current = self.load(context).await?;
                    let allowed = self.check_may_refresh(context, &current, &last, why, requested_at);
                    if allowed.is_err() || current.connection.version != claim.version {
                        let abandoned = RefreshEnd::Abandoned { outcome_unknown: interrupted };
                        self.store.end_refresh(claim, abandoned).await.map_err(failed)?;
                        allowed?;
                        continue;
                    }
                    return self.refresh_with_lease(context, current, claim, interrupted, &mut last).await;
                }
                ClaimOutcome::HeldByOther(wait) => {
                    waiting.check(self.clock.instant())?;
                    self.clock.sleep(wait.min(POLL_INTERVAL)).await;
                }
                // The next iteration loads the change.
                ClaimOutcome::Changed(_) | ClaimOutcome::NotFound => {}
            }
        }
    }

    /// Returns whether the stored state already satisfies the request.
    fn is_satisfied(
        &self,
        current: &CredentialsSnapshot,
        last: &LastRefresh,
        why: RefreshReason,
        requested_at: Instant,
    ) -> bool {
        let own_start =
            last.succeeded.filter(|(_, version)| *version == current.connection.version).map(|(began, _)| began);
        match why {
            // The start of a refresh is only recorded for this process.
            RefreshReason::Requested(before) => {
                own_start.map_or(current.connection.version != before.version, |began| began >= requested_at)
            }
            RefreshReason::Expiring(version) => current.connection.version != version && !self.is_refresh_due(current),
            RefreshReason::Rejected(version) => {
                let fresh = own_start
                    .is_some_and(|began| self.clock.instant().saturating_duration_since(began) < MIN_TOKEN_AGE);
                !current.credentials.are_refreshable() || current.connection.version != version || fresh
            }
        }
    }

    /// Checks whether a refresh may be attempted. A failed one is retried after a backoff, and a rejected one only when
    /// a caller forces it. Callers that waited for a failed attempt share its error.
    pub(super) fn check_may_refresh(
        &self,
        context: &ConnectionContext,
        current: &CredentialsSnapshot,
        last: &LastRefresh,
        why: RefreshReason,
        requested_at: Instant,
    ) -> Result<(), RefreshError> {
        if let Some((_, error)) = last.failed.as_ref().filter(|(began, _)| *began >= requested_at) {
            return Err(error.clone());
        }
        let Some(failure) = &current.connection.failure else { return Ok(()) };
        // Another process failed while this caller waited for it.
        let is_shared =
            |before: StateAtRequest| before.version == current.connection.version && failure.attempts > before.failures;
        if let RefreshReason::Requested(before) = why
            && !is_shared(before)
        {
            return Ok(());
        }
        if failure.refused {
            return Err(rejected_error(context, failure.message.clone()));
        }
        // A failure in the future was recorded while the clock was ahead.
        let now = self.store.now();
        let since =
            if now < failure.failed_at { MAX_BACKOFF } else { now.saturating_duration_since(failure.failed_at) };
        let requested =
            last.not_before.map(|at| at.saturating_duration_since(self.clock.instant())).unwrap_or_default();
        let wait = backoff(failure.attempts).saturating_sub(since).max(requested);
        if wait.is_zero() {
            return Ok(());
        }
        Err(RefreshError::RetryLater { connection: context.describe(), reason: failure.message.clone(), wait })
    }

    /// Requests a token from the provider and stores the outcome.
    async fn refresh_with_lease(
        &self,
        context: &ConnectionContext,
        current: CredentialsSnapshot,
        claim: RefreshClaim,
        interrupted: bool,
        last: &mut LastRefresh,
    ) -> Result<CredentialsSnapshot, RefreshError> {
        let _in_flight = self.track_in_flight();
        let _heartbeat = LeaseHeartbeat::start(self.store.clone(), claim);
        let began = self.clock.instant();
        failpoint!("refresh:before-request");
        let now = self.clock.now();
        let obtained = self.request_token(context, &current, now).await;
        failpoint!("refresh:answered");
        let (end, error) = match obtained {
            Ok(obtained) => (self.refreshed_end(context, &current, &obtained, now)?, None),
            Err(error) => {
                let (end, error, wait) = failed_end(context, &current, error, interrupted, self.store.now());
                last.not_before = wait.and_then(|wait| began.checked_add(wait));
                (end, Some(error))
            }
        };
        let stored = self.store_outcome(claim, end, last).await;
        failpoint!("refresh:stored");
        if let Some(error) = error {
            last.failed = Some((began, error.clone()));
            return Err(error);
        }
        let failed = |error| context.store_failed(error);
        let connection = stored.map_err(failed)?.ok_or_else(|| failed(context.removed()))?;
        last.succeeded = Some((began, connection.version));
        self.open(context, connection)
    }

    /// Stores the outcome of a refresh. A new token is retried for [`STORE_RETRY_WINDOW`], because it may be the only
    /// copy of the next refresh token; if it still cannot be stored, the next refresh stores it first.
    async fn store_outcome(
        &self,
        claim: RefreshClaim,
        end: RefreshEnd,
        last: &mut LastRefresh,
    ) -> Result<Option<Connection>, StoreError> {
        let deadline = self.clock.instant() + STORE_RETRY_WINDOW;
        let mut pause = POLL_INTERVAL;
        loop {
            match self.store.end_refresh(claim, end.clone()).await {
                Err(error) if self.clock.instant() >= deadline => {
                    last.unstored = matches!(end, RefreshEnd::Refreshed { .. }).then_some((claim, end));
                    return Err(error);
                }
                Err(_) if matches!(end, RefreshEnd::Refreshed { .. }) => {
                    self.clock.sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
                ended => return ended,
            }
        }
    }

    async fn request_token(
        &self,
        context: &ConnectionContext,
        current: &CredentialsSnapshot,
        now: Timestamp,
    ) -> Result<ObtainedToken, ObtainError> {
        let config = &current.connection.config;
        let redactor = redactor(&current.credentials, config, &context.app);
        let token_context = TokenContext {
            redactor: &redactor,
            provider: &context.provider,
            integration: &context.key.integration,
            credentials: &current.credentials,
            config,
            app: &context.app,
            now,
            entropy: &*self.clock,
        };
        self.obtain_token(&token_context).await
    }

    /// Requests a token for credentials, which need not be stored yet.
    ///
    /// # Errors
    ///
    /// Fails with any [`ObtainError`], also if the provider does not respond in time.
    pub async fn obtain_token(&self, context: &TokenContext<'_>) -> Result<ObtainedToken, ObtainError> {
        #[expect(clippy::expect_used, reason = "a constant that is a URL")]
        let placeholder = Url::parse("https://token.invalid").expect("a URL");
        let parts = ClientParts::new(self.transport.clone(), self.clock.clone(), placeholder);
        let client = Client::new(parts.redactor(context.redactor.clone()).integration(context.integration));
        let request = obtain::obtain_token(context, &client);
        tokio::time::timeout(TOKEN_TIMEOUT, request).await.unwrap_or_else(|_| {
            let message = format!("the provider did not respond within {} s", TOKEN_TIMEOUT.as_secs());
            Err(ObtainError::Failed { message, wait: None, responded: false })
        })
    }

    fn refreshed_end(
        &self,
        context: &ConnectionContext,
        current: &CredentialsSnapshot,
        obtained: &ObtainedToken,
        now: Timestamp,
    ) -> Result<RefreshEnd, RefreshError> {
        let credentials = current.credentials.with_token(obtained);
        let sealed = credentials.seal(&self.ring, &context.key.integration, &context.key.connection);
        Ok(RefreshEnd::Refreshed {
            credentials: sealed.map_err(|source| RefreshError::Sealed { connection: context.describe(), source })?,
            refresh_at: refresh_at(obtained.expires_at, now, context.provider.token.refresh_buffer),
            config: obtained.config.clone(),
        })
    }
}

/// Converts a failed token request into the outcome to store, the error for the callers, and the wait that the provider
/// requested.
fn failed_end(
    context: &ConnectionContext,
    current: &CredentialsSnapshot,
    error: ObtainError,
    interrupted: bool,
    now: Timestamp,
) -> (RefreshEnd, RefreshError, Option<Duration>) {
    let days = days_rejected(current, now);
    match error {
        ObtainError::Refused(mut reason) => {
            if interrupted {
                reason.push_str(
                    " (an earlier refresh was interrupted: the provider may have replaced the credentials in a lost \
                     response)",
                );
            }
            let end =
                RefreshEnd::Failed { message: reason.clone(), refused: true, outcome_unknown: false, responded: true };
            (end, rejected_error(context, reason), None)
        }
        ObtainError::Failed { message, responded: true, .. } if days >= MAX_REJECTED_DAYS => {
            let reason = format!("{message}; no token has been issued for {days} days");
            let end =
                RefreshEnd::Failed { message: reason.clone(), refused: true, outcome_unknown: true, responded: true };
            (end, rejected_error(context, reason), None)
        }
        ObtainError::Failed { message: reason, wait, responded } => {
            let failures = current.failure_count() + 1;
            let pause = wait.unwrap_or_default().max(backoff(failures));
            let error =
                RefreshError::RetryLater { connection: context.describe(), reason: reason.clone(), wait: pause };
            (RefreshEnd::Failed { message: reason, refused: false, outcome_unknown: true, responded }, error, wait)
        }
        error @ (ObtainError::Setup(_)
        | ObtainError::Resolve(_)
        | ObtainError::Sign(_)
        | ObtainError::NoRandomness(_)) => {
            let end = RefreshEnd::Failed {
                message: Chain(&error).to_string(),
                refused: false,
                outcome_unknown: interrupted,
                responded: false,
            };
            (end, context.setup_failed(error), None)
        }
    }
}

/// Returns the number of days since the token server first responded without a token.
fn days_rejected(current: &CredentialsSnapshot, now: Timestamp) -> u64 {
    let since = current.connection.failure.as_ref().and_then(|failure| failure.rejected_since);
    since.map_or(0, |since| now.saturating_duration_since(since).as_secs() / 86_400)
}

fn rejected_error(context: &ConnectionContext, reason: String) -> RefreshError {
    let ConnectionKey { integration, connection } = context.key.clone();
    RefreshError::Refused { integration, connection, reason }
}
