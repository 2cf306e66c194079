//! One turn: from the wish for another token to its being stored.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{Current, Holder, JUST_NOW, Last, RefreshError, Tokens, Why, pause, renew_at};
use crate::{
    auth::{
        Obtained, Subject,
        obtain::{self, ObtainError, PATIENCE},
    },
    http::{Client, ClientParts, Url},
    store::{RefreshClaim, RefreshEnd, RefreshTurn, StoreError, failpoint::failpoint},
};

/// How long a turn is held: longer than the provider is waited for.
const LEASE: Duration = Duration::from_secs(45);
/// How often somebody looks whether the turn of another process has ended.
const LOOK: Duration = Duration::from_millis(50);

impl Tokens {
    /// Waits for the turn, and takes it unless somebody else has done the work by then.
    pub(super) async fn turn(
        self: &Arc<Self>,
        of: &Arc<Holder>,
        why: Why,
        asked: Instant,
    ) -> Result<Current, RefreshError> {
        let turn = self.turn_of(of);
        let mut last = turn.lock().await;
        let failed = |error: StoreError| RefreshError::Store { of: of.name(), reason: error.to_string() };
        loop {
            let current = self.look(of).await?;
            if self.is_done(&current, &last, why, asked) {
                return Ok(current);
            }
            self.pause_is_over(of, &current, why)?;
            let claim = RefreshClaim {
                row: current.connection.row,
                version: current.connection.version,
                holder: Uuid::now_v7(),
                lease: LEASE,
            };
            match self.store.claim_refresh(claim).await.map_err(failed)? {
                RefreshTurn::Taken { interrupted } => {
                    last.began = Some(Instant::now());
                    let renewed = self.take(of, current, claim, interrupted).await?;
                    last.version = renewed.connection.version;
                    return Ok(renewed);
                }
                RefreshTurn::Held(wait) => self.clock.sleep(wait.min(LOOK)).await,
                // The next look finds it.
                RefreshTurn::Changed(_) | RefreshTurn::Gone => {}
            }
        }
    }

    /// Whether what is wished for is there already.
    fn is_done(&self, current: &Current, last: &Last, why: Why, asked: Instant) -> bool {
        match why {
            Why::Asked => last.began.is_some_and(|began| began >= asked) && last.version == current.connection.version,
            Why::Ends(version) => current.connection.version != version && !self.is_due(current),
            Why::Refused(version) => {
                let fresh = last.began.is_some_and(|began| began.elapsed() < JUST_NOW) && last.version == version;
                !current.credentials.are_renewed() || current.connection.version != version || fresh
            }
        }
    }

    /// What failed a moment ago is left alone for a while; what was refused, until somebody asks for it.
    fn pause_is_over(&self, of: &Holder, current: &Current, why: Why) -> Result<(), RefreshError> {
        let Some(failure) = current.connection.failure.as_ref().filter(|_| why != Why::Asked) else { return Ok(()) };
        if failure.refused {
            return Err(refused(of, failure.message.clone()));
        }
        let since = Duration::from_micros(u64::try_from(self.store.now() - failure.at).unwrap_or(0));
        match pause(failure.times).checked_sub(since) {
            Some(wait) if !wait.is_zero() => {
                Err(RefreshError::Later { of: of.name(), reason: failure.message.clone(), wait })
            }
            _ => Ok(()),
        }
    }

    /// Asks the provider, and stores what came of it.
    async fn take(
        &self,
        of: &Holder,
        current: Current,
        claim: RefreshClaim,
        interrupted: bool,
    ) -> Result<Current, RefreshError> {
        failpoint!("refresh:before-request");
        let now = self.store.now();
        let obtained = self.ask(of, &current, now).await;
        failpoint!("refresh:answered");
        let (end, error) = match obtained {
            Ok(obtained) => (self.renewed(of, &current, &obtained, now)?, None),
            Err(ObtainError::Setup(reason)) => (RefreshEnd::Left, Some(setup(of, reason))),
            Err(ObtainError::Resolve(error)) => (RefreshEnd::Left, Some(setup(of, error.to_string()))),
            Err(ObtainError::Refused(mut reason)) => {
                if interrupted {
                    reason.push_str(
                        " (an earlier renewal was interrupted: the provider may have replaced them in an answer that was lost)",
                    );
                }
                (RefreshEnd::Failed { message: reason.clone(), refused: true }, Some(refused(of, reason)))
            }
            Err(ObtainError::Failed { message: reason, wait }) => {
                let times = current.connection.failure.as_ref().map_or(0, |failure| failure.times) + 1;
                let wait = wait.unwrap_or_default().max(pause(times));
                let error = RefreshError::Later { of: of.name(), reason: reason.clone(), wait };
                (RefreshEnd::Failed { message: reason, refused: false }, Some(error))
            }
        };
        let failed = |reason: String| RefreshError::Store { of: of.name(), reason };
        let stored = self.store.end_refresh(claim, end).await;
        failpoint!("refresh:stored");
        match (error, stored) {
            (Some(error), _) => Err(error),
            (None, Ok(Some(connection))) => self.open(of, connection),
            (None, Ok(None)) => Err(failed("the connection was removed".to_owned())),
            (None, Err(error)) => Err(failed(error.to_string())),
        }
    }

    async fn ask(&self, of: &Holder, current: &Current, now: i64) -> Result<Obtained, ObtainError> {
        let subject = Subject {
            provider: &of.provider,
            integration: &of.integration,
            credentials: &current.credentials,
            config: &current.connection.config,
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
        let client = Client::new(ClientParts::new(self.transport.clone(), self.clock.clone(), nowhere));
        let asked = obtain::obtain(subject, &client);
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| {
            let message = format!("the provider did not answer within {} s", PATIENCE.as_secs());
            Err(ObtainError::Failed { message, wait: None })
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
            credentials: sealed.map_err(|error| RefreshError::Store { of: of.name(), reason: error.to_string() })?,
            renew_at: renew_at(obtained.expires_at, now, of.provider.token.buffer),
            config: obtained.config.clone(),
        })
    }
}

fn setup(of: &Holder, reason: String) -> RefreshError {
    RefreshError::Setup { of: of.name(), reason }
}

fn refused(of: &Holder, reason: String) -> RefreshError {
    RefreshError::Refused { integration: of.integration.clone(), connection: of.connection.clone(), reason }
}
