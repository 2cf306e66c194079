//! One turn: from the wish for another token to its being stored.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    ConnectionContext, CredentialsSnapshot, LastRefresh, MAX_BACKOFF, MIN_TOKEN_AGE, RefreshError, RefreshReason,
    StateAtRequest, TokenRefresher, backoff, failure_count,
    lease::{LeaseHeartbeat, LeaseWait},
    renew_at,
};
use crate::{
    auth::{
        ObtainedToken, TokenContext,
        obtain::{self, ObtainError, TOKEN_TIMEOUT},
        redactor,
    },
    http::{Client, ClientParts, Url, WaitObserver},
    store::{ClaimOutcome, Connection, RefreshClaim, RefreshEnd, StoreError, failpoint::failpoint},
};

/// How long a turn is held without a sign of life: if its process was killed, others wait so long.
const LEASE: Duration = Duration::from_secs(15);
/// How often somebody looks whether the turn of another process has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// After how many days an answer without a token counts as a refusal, whatever it says.
const MAX_REJECTED_DAYS: i64 = 3;
/// How long storing what was brought is tried, beyond the patience of the database itself.
const STORE_RETRY_WINDOW: Duration = Duration::from_secs(30);

impl TokenRefresher {
    /// Waits for the turn, and takes it unless somebody else has done the work by then.
    pub(super) async fn refresh_once(
        self: &Arc<Self>,
        of: &Arc<ConnectionContext>,
        why: RefreshReason,
        requested_at: Instant,
        watch: Option<Arc<dyn WaitObserver>>,
    ) -> Result<CredentialsSnapshot, RefreshError> {
        let lock = self.refresh_lock(of);
        let mut last = lock.lock().await;
        let mut waiting = LeaseWait::new(of.name(), watch);
        let failed = |error: StoreError| RefreshError::Store { of: of.name(), reason: error.to_string() };
        loop {
            if let Some((claim, end)) = last.unstored.clone() {
                self.store.end_refresh(claim, end).await.map_err(failed)?;
                last.unstored = None;
            }
            let current = self.look(of).await?;
            if self.is_satisfied(&current, &last, why, requested_at) {
                return Ok(current);
            }
            self.check_may_refresh(of, &current, &last, why, requested_at)?;
            let claim = RefreshClaim {
                row: current.connection.row,
                version: current.connection.version,
                holder: Uuid::now_v7(),
                lease: LEASE,
            };
            match self.store.claim_refresh(claim).await.map_err(failed)? {
                ClaimOutcome::Acquired { interrupted } => {
                    // Somebody else's turn may have ended between the look and the claim; from here on none does.
                    let current = self.look(of).await?;
                    let allowed = self.check_may_refresh(of, &current, &last, why, requested_at);
                    if allowed.is_err() || current.connection.version != claim.version {
                        let abandoned = RefreshEnd::Abandoned { outcome_unknown: interrupted };
                        self.store.end_refresh(claim, abandoned).await.map_err(failed)?;
                        allowed?;
                        continue;
                    }
                    return self.refresh_with_lease(of, current, claim, interrupted, &mut last).await;
                }
                ClaimOutcome::HeldByOther(wait) => {
                    waiting.check()?;
                    self.clock.sleep(wait.min(POLL_INTERVAL)).await;
                }
                // The next look finds it.
                ClaimOutcome::Changed(_) | ClaimOutcome::NotFound => {}
            }
        }
    }

    /// Whether what is wished for is there already.
    fn is_satisfied(
        &self,
        current: &CredentialsSnapshot,
        last: &LastRefresh,
        why: RefreshReason,
        requested_at: Instant,
    ) -> bool {
        let here = last.succeeded.filter(|(_, version)| *version == current.connection.version).map(|(began, _)| began);
        match why {
            // Of a renewal of another process only the end is known.
            RefreshReason::Requested(before) => {
                here.map_or(current.connection.version != before.version, |began| began >= requested_at)
            }
            RefreshReason::Expiring(version) => current.connection.version != version && !self.is_refresh_due(current),
            RefreshReason::Rejected(version) => {
                let fresh = here.is_some_and(|began| began.elapsed() < MIN_TOKEN_AGE);
                !current.credentials.are_refreshable() || current.connection.version != version || fresh
            }
        }
    }

    /// What failed a moment ago is left alone for a while; what was refused, until somebody asks for it. Who waited for an
    /// attempt that failed shares its error.
    pub(super) fn check_may_refresh(
        &self,
        of: &ConnectionContext,
        current: &CredentialsSnapshot,
        last: &LastRefresh,
        why: RefreshReason,
        requested_at: Instant,
    ) -> Result<(), RefreshError> {
        if let Some((_, error)) = last.failed.as_ref().filter(|(began, _)| *began >= requested_at) {
            return Err(error.clone());
        }
        let Some(failure) = &current.connection.failure else { return Ok(()) };
        // Another process asked at the same time, and this caller waited for it.
        let is_shared =
            |before: StateAtRequest| before.version == current.connection.version && failure.attempts > before.failures;
        if let RefreshReason::Requested(before) = why
            && !is_shared(before)
        {
            return Ok(());
        }
        if failure.refused {
            return Err(rejected_error(of, failure.message.clone()));
        }
        // One that failed later than now was stamped by a clock that ran ahead.
        let since = u64::try_from(self.store.now() - failure.failed_at).map_or(MAX_BACKOFF, Duration::from_micros);
        let demanded = last.not_before.map(|at| at.saturating_duration_since(Instant::now())).unwrap_or_default();
        let wait = backoff(failure.attempts).saturating_sub(since).max(demanded);
        if wait.is_zero() {
            return Ok(());
        }
        Err(RefreshError::RetryLater { of: of.name(), reason: failure.message.clone(), wait })
    }

    /// Asks the provider, and stores what came of it.
    async fn refresh_with_lease(
        &self,
        of: &ConnectionContext,
        current: CredentialsSnapshot,
        claim: RefreshClaim,
        interrupted: bool,
        last: &mut LastRefresh,
    ) -> Result<CredentialsSnapshot, RefreshError> {
        let _busy = self.track_in_flight();
        let _heartbeat = LeaseHeartbeat::start(self.store.clone(), claim);
        let began = Instant::now();
        failpoint!("refresh:before-request");
        let now = self.clock.now();
        let obtained = self.request_token(of, &current, now).await;
        failpoint!("refresh:answered");
        let (end, error) = match obtained {
            Ok(obtained) => (self.refreshed_end(of, &current, &obtained, now)?, None),
            Err(error) => {
                let (end, error, wait) = failed_end(of, &current, error, interrupted, self.store.now());
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
        let store_error = |reason: String| RefreshError::Store { of: of.name(), reason };
        let connection = stored
            .map_err(|error| store_error(error.to_string()))?
            .ok_or_else(|| store_error("the connection was removed".to_owned()))?;
        last.succeeded = Some((began, connection.version));
        self.open(of, connection)
    }

    /// Stores how a turn ended, stubbornly: what was brought may be the only way to the next token. What cannot be stored
    /// is kept for the next turn.
    async fn store_outcome(
        &self,
        claim: RefreshClaim,
        end: RefreshEnd,
        last: &mut LastRefresh,
    ) -> Result<Option<Connection>, StoreError> {
        let until = Instant::now() + STORE_RETRY_WINDOW;
        let mut pause = POLL_INTERVAL;
        loop {
            match self.store.end_refresh(claim, end.clone()).await {
                Err(error) if Instant::now() >= until => {
                    last.unstored = matches!(end, RefreshEnd::Renewed { .. }).then_some((claim, end));
                    return Err(error);
                }
                Err(_) if matches!(end, RefreshEnd::Renewed { .. }) => {
                    self.clock.sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
                ended => return ended,
            }
        }
    }

    async fn request_token(
        &self,
        of: &ConnectionContext,
        current: &CredentialsSnapshot,
        now: i64,
    ) -> Result<ObtainedToken, ObtainError> {
        let config = &current.connection.config;
        let redactor = redactor(&current.credentials, config, &of.app);
        let subject = TokenContext {
            redactor: &redactor,
            provider: &of.provider,
            integration: &of.integration,
            credentials: &current.credentials,
            config,
            app: &of.app,
            now,
        };
        self.obtain_token(&subject).await
    }

    /// Gets a token for credentials that need not be stored yet.
    ///
    /// # Errors
    ///
    /// [`ObtainError`].
    pub async fn obtain_token(&self, subject: &TokenContext<'_>) -> Result<ObtainedToken, ObtainError> {
        #[expect(clippy::expect_used, reason = "a constant that is a URL")]
        let placeholder = Url::parse("https://token.invalid").expect("a URL");
        let parts = ClientParts::new(self.transport.clone(), self.clock.clone(), placeholder);
        let client = Client::new(parts.redactor(subject.redactor.clone()).integration(subject.integration));
        let request = obtain::obtain_token(subject, &client);
        tokio::time::timeout(TOKEN_TIMEOUT, request).await.unwrap_or_else(|_| {
            let message = format!("the provider did not answer within {} s", TOKEN_TIMEOUT.as_secs());
            Err(ObtainError::Failed { message, wait: None, answered: false })
        })
    }

    fn refreshed_end(
        &self,
        of: &ConnectionContext,
        current: &CredentialsSnapshot,
        obtained: &ObtainedToken,
        now: i64,
    ) -> Result<RefreshEnd, RefreshError> {
        let credentials = current.credentials.with_token(obtained);
        let sealed = credentials.seal(&self.ring, &of.integration, &of.connection);
        Ok(RefreshEnd::Renewed {
            credentials: sealed.map_err(|source| RefreshError::Sealed { of: of.name(), source })?,
            renew_at: renew_at(obtained.expires_at, now, of.provider.token.refresh_buffer),
            config: obtained.config.clone(),
        })
    }
}

/// How a turn without a token ends, what is told of it, and how long the provider asks to wait.
fn failed_end(
    of: &ConnectionContext,
    current: &CredentialsSnapshot,
    error: ObtainError,
    interrupted: bool,
    now: i64,
) -> (RefreshEnd, RefreshError, Option<Duration>) {
    let days = days_rejected(current, now);
    match error {
        ObtainError::Refused(mut reason) => {
            if interrupted {
                reason.push_str(
                    " (an earlier renewal was interrupted: the provider may have replaced them in an answer that was lost)",
                );
            }
            let end =
                RefreshEnd::Failed { message: reason.clone(), refused: true, outcome_unknown: false, answered: true };
            (end, rejected_error(of, reason), None)
        }
        ObtainError::Failed { message, answered: true, .. } if days >= MAX_REJECTED_DAYS => {
            let reason = format!("{message}; it has given no token for {days} days");
            let end =
                RefreshEnd::Failed { message: reason.clone(), refused: true, outcome_unknown: true, answered: true };
            (end, rejected_error(of, reason), None)
        }
        ObtainError::Failed { message: reason, wait, answered } => {
            let times = failure_count(current) + 1;
            let pause = wait.unwrap_or_default().max(backoff(times));
            let error = RefreshError::RetryLater { of: of.name(), reason: reason.clone(), wait: pause };
            (RefreshEnd::Failed { message: reason, refused: false, outcome_unknown: true, answered }, error, wait)
        }
        error @ (ObtainError::Setup(_) | ObtainError::Resolve(_)) => {
            let reason = error.to_string();
            let end = RefreshEnd::Failed {
                message: reason.clone(),
                refused: false,
                outcome_unknown: interrupted,
                answered: false,
            };
            (end, RefreshError::Setup { of: of.name(), reason }, None)
        }
    }
}

/// For how many days the token server has answered without a token.
fn days_rejected(current: &CredentialsSnapshot, now: i64) -> i64 {
    const DAY: i64 = 86_400_000_000;
    let since = current.connection.failure.as_ref().and_then(|failure| failure.rejected_since);
    since.map_or(0, |since| now.saturating_sub(since) / DAY)
}

fn rejected_error(of: &ConnectionContext, reason: String) -> RefreshError {
    RefreshError::Refused { integration: of.integration.clone(), connection: of.connection.clone(), reason }
}
