//! One turn: from the wish for another token to its being stored.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    Before, Current, Holder, JUST_NOW, LONGEST_PAUSE, Last, RefreshError, Tokens, Why, failures,
    hold::{Beat, Waiting},
    pause, renew_at,
};
use crate::{
    auth::{
        Obtained, Subject,
        obtain::{self, ObtainError, PATIENCE},
        redactor,
    },
    http::{Client, ClientParts, Url, Watch},
    store::{Connection, RefreshClaim, RefreshEnd, RefreshTurn, StoreError, failpoint::failpoint},
};

/// How long a turn is held without a sign of life: if its process was killed, others wait so long.
const LEASE: Duration = Duration::from_secs(15);
/// How often somebody looks whether the turn of another process has ended.
const LOOK: Duration = Duration::from_millis(50);
/// After how many days an answer without a token counts as a refusal, whatever it says.
const LONG_REJECTED: i64 = 3;
/// How long storing what was brought is tried, beyond the patience of the database itself.
const STUBBORN: Duration = Duration::from_secs(30);

impl Tokens {
    /// Waits for the turn, and takes it unless somebody else has done the work by then.
    pub(super) async fn turn(
        self: &Arc<Self>,
        of: &Arc<Holder>,
        why: Why,
        asked: Instant,
        watch: Option<Arc<dyn Watch>>,
    ) -> Result<Current, RefreshError> {
        let turn = self.turn_of(of);
        let mut last = turn.lock().await;
        let mut waiting = Waiting::new(of.name(), watch);
        let failed = |error: StoreError| RefreshError::Store { of: of.name(), reason: error.to_string() };
        loop {
            if let Some((claim, end)) = last.unsaved.clone() {
                self.store.end_refresh(claim, end).await.map_err(failed)?;
                last.unsaved = None;
            }
            let current = self.look(of).await?;
            if self.is_done(&current, &last, why, asked) {
                return Ok(current);
            }
            self.may_try(of, &current, &last, why, asked)?;
            let claim = RefreshClaim {
                row: current.connection.row,
                version: current.connection.version,
                holder: Uuid::now_v7(),
                lease: LEASE,
            };
            match self.store.claim_refresh(claim).await.map_err(failed)? {
                RefreshTurn::Taken { interrupted } => {
                    // Somebody else's turn may have ended between the look and the claim; from here on none does.
                    let current = self.look(of).await?;
                    let vain = self.may_try(of, &current, &last, why, asked);
                    if vain.is_err() || current.connection.version != claim.version {
                        let left = RefreshEnd::Left { doubt: interrupted };
                        self.store.end_refresh(claim, left).await.map_err(failed)?;
                        vain?;
                        continue;
                    }
                    return self.take(of, current, claim, interrupted, &mut last).await;
                }
                RefreshTurn::Held(wait) => {
                    waiting.check()?;
                    self.clock.sleep(wait.min(LOOK)).await;
                }
                // The next look finds it.
                RefreshTurn::Changed(_) | RefreshTurn::Gone => {}
            }
        }
    }

    /// Whether what is wished for is there already.
    fn is_done(&self, current: &Current, last: &Last, why: Why, asked: Instant) -> bool {
        let here = last.renewed.filter(|(_, version)| *version == current.connection.version).map(|(began, _)| began);
        match why {
            // Of a renewal of another process only the end is known.
            Why::Asked(before) => here.map_or(current.connection.version != before.version, |began| began >= asked),
            Why::Ends(version) => current.connection.version != version && !self.is_due(current),
            Why::Refused(version) => {
                let fresh = here.is_some_and(|began| began.elapsed() < JUST_NOW);
                !current.credentials.are_renewed() || current.connection.version != version || fresh
            }
        }
    }

    /// What failed a moment ago is left alone for a while; what was refused, until somebody asks for it. Who waited for an
    /// attempt that failed shares its error.
    pub(super) fn may_try(
        &self,
        of: &Holder,
        current: &Current,
        last: &Last,
        why: Why,
        asked: Instant,
    ) -> Result<(), RefreshError> {
        if let Some((_, error)) = last.failed.as_ref().filter(|(began, _)| *began >= asked) {
            return Err(error.clone());
        }
        let Some(failure) = &current.connection.failure else { return Ok(()) };
        // Another process asked at the same time, and this caller waited for it.
        let shared = |before: Before| before.version == current.connection.version && failure.times > before.failures;
        if let Why::Asked(before) = why
            && !shared(before)
        {
            return Ok(());
        }
        if failure.refused {
            return Err(refused(of, failure.message.clone()));
        }
        // One that failed later than now was stamped by a clock that ran ahead.
        let since = u64::try_from(self.store.now() - failure.at).map_or(LONGEST_PAUSE, Duration::from_micros);
        let demanded = last.not_before.map(|at| at.saturating_duration_since(Instant::now())).unwrap_or_default();
        let wait = pause(failure.times).saturating_sub(since).max(demanded);
        if wait.is_zero() {
            return Ok(());
        }
        Err(RefreshError::Later { of: of.name(), reason: failure.message.clone(), wait })
    }

    /// Asks the provider, and stores what came of it.
    async fn take(
        &self,
        of: &Holder,
        current: Current,
        claim: RefreshClaim,
        interrupted: bool,
        last: &mut Last,
    ) -> Result<Current, RefreshError> {
        let _busy = self.busy();
        let _beat = Beat::begin(self.store.clone(), claim);
        let began = Instant::now();
        failpoint!("refresh:before-request");
        let now = self.clock.now();
        let obtained = self.ask(of, &current, now).await;
        failpoint!("refresh:answered");
        let (end, error) = match obtained {
            Ok(obtained) => (self.renewed(of, &current, &obtained, now)?, None),
            Err(error) => {
                let (end, error, wait) = failure(of, &current, error, interrupted, self.store.now());
                last.not_before = wait.and_then(|wait| began.checked_add(wait));
                (end, Some(error))
            }
        };
        let stored = self.store_end(claim, end, last).await;
        failpoint!("refresh:stored");
        if let Some(error) = error {
            last.failed = Some((began, error.clone()));
            return Err(error);
        }
        let gone = |reason: String| RefreshError::Store { of: of.name(), reason };
        let connection = stored
            .map_err(|error| gone(error.to_string()))?
            .ok_or_else(|| gone("the connection was removed".to_owned()))?;
        last.renewed = Some((began, connection.version));
        self.open(of, connection)
    }

    /// Stores how a turn ended, stubbornly: what was brought may be the only way to the next token. What cannot be stored
    /// is kept for the next turn.
    async fn store_end(
        &self,
        claim: RefreshClaim,
        end: RefreshEnd,
        last: &mut Last,
    ) -> Result<Option<Connection>, StoreError> {
        let until = Instant::now() + STUBBORN;
        let mut pause = LOOK;
        loop {
            match self.store.end_refresh(claim, end.clone()).await {
                Err(error) if Instant::now() >= until => {
                    last.unsaved = matches!(end, RefreshEnd::Renewed { .. }).then_some((claim, end));
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

    async fn ask(&self, of: &Holder, current: &Current, now: i64) -> Result<Obtained, ObtainError> {
        let config = &current.connection.config;
        let redactor = redactor(&current.credentials, config, &of.app);
        let subject = Subject {
            redactor: &redactor,
            provider: &of.provider,
            integration: &of.integration,
            credentials: &current.credentials,
            config,
            app: &of.app,
            now,
        };
        self.obtain(&subject).await
    }

    /// Gets a token for credentials that need not be stored yet.
    ///
    /// # Errors
    ///
    /// [`ObtainError`].
    pub async fn obtain(&self, subject: &Subject<'_>) -> Result<Obtained, ObtainError> {
        #[expect(clippy::expect_used, reason = "a constant that is a URL")]
        let nowhere = Url::parse("https://token.invalid").expect("a URL");
        let parts = ClientParts::new(self.transport.clone(), self.clock.clone(), nowhere);
        let client = Client::new(parts.redactor(subject.redactor.clone()).integration(subject.integration));
        let asked = obtain::obtain(subject, &client);
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| {
            let message = format!("the provider did not answer within {} s", PATIENCE.as_secs());
            Err(ObtainError::Failed { message, wait: None, answered: false })
        })
    }

    fn renewed(
        &self,
        of: &Holder,
        current: &Current,
        obtained: &Obtained,
        now: i64,
    ) -> Result<RefreshEnd, RefreshError> {
        let credentials = current.credentials.renewed(obtained);
        let sealed = credentials.seal(&self.ring, &of.integration, &of.connection);
        Ok(RefreshEnd::Renewed {
            credentials: sealed.map_err(|source| RefreshError::Sealed { of: of.name(), source })?,
            renew_at: renew_at(obtained.expires_at, now, of.provider.token.buffer),
            config: obtained.config.clone(),
        })
    }
}

/// How a turn without a token ends, what is told of it, and how long the provider asks to wait.
fn failure(
    of: &Holder,
    current: &Current,
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
            let end = RefreshEnd::Failed { message: reason.clone(), refused: true, doubt: false, answered: true };
            (end, refused(of, reason), None)
        }
        ObtainError::Failed { message, answered: true, .. } if days >= LONG_REJECTED => {
            let reason = format!("{message}; it has given no token for {days} days");
            let end = RefreshEnd::Failed { message: reason.clone(), refused: true, doubt: true, answered: true };
            (end, refused(of, reason), None)
        }
        ObtainError::Failed { message: reason, wait, answered } => {
            let times = failures(current) + 1;
            let pause = wait.unwrap_or_default().max(pause(times));
            let error = RefreshError::Later { of: of.name(), reason: reason.clone(), wait: pause };
            (RefreshEnd::Failed { message: reason, refused: false, doubt: true, answered }, error, wait)
        }
        error @ (ObtainError::Setup(_) | ObtainError::Resolve(_)) => {
            let reason = error.to_string();
            let end =
                RefreshEnd::Failed { message: reason.clone(), refused: false, doubt: interrupted, answered: false };
            (end, RefreshError::Setup { of: of.name(), reason }, None)
        }
    }
}

/// For how many days the token server has answered without a token.
fn days_rejected(current: &Current, now: i64) -> i64 {
    const DAY: i64 = 86_400_000_000;
    let since = current.connection.failure.as_ref().and_then(|failure| failure.rejected_since);
    since.map_or(0, |since| now.saturating_sub(since) / DAY)
}

fn refused(of: &Holder, reason: String) -> RefreshError {
    RefreshError::Refused { integration: of.integration.clone(), connection: of.connection.clone(), reason }
}
