//! Direct calls of a function, with a handle of the mock.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use serde_json::Value;

use super::{
    database::block_on,
    mock::{Mock, MockInner},
    setup::{BASE_URL, NAME, builtin_provider, direct_key, plain_provider},
};
use crate::{
    auth::{Credentials, CredentialsSource},
    config::Limits,
    declare::{ActionDef, BoxFuture, Handle},
    error::{Error, Result},
    http::{Client, ClientParts},
    nango::{Context, Nango, NewContext, RunOptions, RunServices, WriteToken, lock_state},
    store::{LogLine, NewRun, StoreError, Totals},
};

impl Mock {
    /// Returns a handle to call a function with, as in `repo_issues_by_hand(mock.nango()).await?`; the function's
    /// parameter determines its type.
    ///
    /// The function is called as it is, without the loop of a mapper, and its errors are as it returns them. To run it
    /// as the program does, see [`run`](Self::run).
    pub fn nango<T: From<Handle>>(&self) -> T {
        Handle::from(Nango::new(Arc::new(self.context()))).into()
    }

    fn context(&self) -> Context {
        let database = self.database();
        self.apply_metadata(database);
        let settings = self.settings(|settings| settings.clone());
        let key = direct_key();
        let start_at = self.settings(|settings| {
            settings.function = direct_key();
            settings.start_at.take()
        });
        let (token, connection) = {
            let (store, key) = (database.store(), key.clone());
            block_on(async move {
                if start_at.is_some() {
                    store.set_checkpoint(&key, start_at).await.map_err(StoreError::into_error)?;
                }
                // Each handle is a separate run; the runs of a mock are not exclusive.
                let lease = Duration::from_hours(1);
                let new = NewRun { key, connection: None, exclusive: false, lease };
                let token = store.start_run(new).await.map_err(StoreError::into_error)?;
                let connection = store.connection(NAME, NAME).await.map_err(StoreError::into_error)?;
                Ok((token, connection))
            })
        };
        let connection = connection.unwrap_or_else(|| unreachable!("the mock's connection was added above"));
        let base_url = BASE_URL.parse().unwrap_or_else(|_| unreachable!("a constant"));
        let provider = settings.provider.map_or_else(plain_provider, |name| builtin_provider(&name));
        let stop = self.api().stop();
        let parts =
            ClientParts::new(Arc::new(self.api().clone()), self.clock().clone(), base_url).cancellation(stop.clone());
        Context::new(NewContext {
            key,
            token: WriteToken::started(token),
            store: database.store(),
            client: Client::new(parts),
            connection,
            credentials: CredentialsSource::Static(Credentials::none()),
            provider: Arc::new(provider),
            base_url: BASE_URL.to_owned(),
            environment: Arc::new(settings.environment),
            metadata: None,
            cancellation: stop,
            services: Arc::new(MockServices(Arc::downgrade(&self.0))),
            options: RunOptions::default(),
            limits: Limits::default(),
        })
    }
}

/// Services of a direct call: triggered actions are called at once, on the same mock.
struct MockServices(Weak<MockInner>);

impl RunServices for MockServices {
    fn trigger_action(
        &self,
        _caller: &Arc<Context>,
        action: &'static ActionDef,
        input: Value,
    ) -> BoxFuture<Result<Value>> {
        match self.0.upgrade() {
            Some(inner) => (action.run)(Mock(inner).nango(), input),
            None => Box::pin(std::future::ready(Err(Error::msg("the mock of this handle was dropped")))),
        }
    }

    fn trigger_sync(&self, _caller: &Arc<Context>, sync: &str) -> Result<()> {
        Err(Error::msg(format!(
            "a direct call does not run triggered syncs: `{sync}` was triggered. Run the function with `mock.run`"
        )))
    }

    fn on_log(&self, line: &LogLine) {
        if let Some(inner) = self.0.upgrade() {
            lock_state(&inner.logs).push(line.clone());
        }
    }

    fn on_commit(&self, _totals: &Totals) {}
}
