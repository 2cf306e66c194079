//! Calls of other functions of the same connection: an action runs at once, a sync after the run of its caller.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ActionRef, Nango, NangoAction};
use crate::{
    declare::{ActionMarker, BoxFuture},
    error::{Error, ErrorKind, Result},
    json::decode_value,
    model::Data,
};

/// Functions that `trigger` accepts: functions with `#[action]`, with and without input.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an `#[action]` function",
    label = "not an action",
    note = "see docs/reference/attributes.md#action in the repository"
)]
pub trait ActionFn<T> {
    /// Marker type of the action.
    type Marker: ActionMarker;
}

impl<F, A, Fut> ActionFn<(A,)> for F
where
    F: Fn(NangoAction<A>) -> Fut,
    A: ActionMarker<Input = ()>,
{
    type Marker = A;
}

impl<F, A, I, Fut> ActionFn<(A, I)> for F
where
    F: Fn(NangoAction<A>, I) -> Fut,
    A: ActionMarker,
{
    type Marker = A;
}

impl Nango {
    /// Runs another action of the same connection and waits for its output: `nango.trigger(create_issue, input)`. The
    /// action is a separate run with its own log.
    pub fn trigger<F, T>(
        &self,
        _action: F,
        input: <F::Marker as ActionMarker>::Input,
    ) -> BoxFuture<Result<<F::Marker as ActionMarker>::Output>>
    where
        F: ActionFn<T, Marker: ActionMarker<Input: Data>>,
    {
        typed(self.trigger_value(F::Marker::DEF, serde_json::to_value(input)))
    }

    fn trigger_value(&self, action: ActionRef, input: serde_json::Result<Value>) -> BoxFuture<Result<Value>> {
        match (self.active_context(), input) {
            (Err(error), _) => Box::pin(std::future::ready(Err(error))),
            (_, Err(error)) => Box::pin(std::future::ready(Err(Error::from(error)))),
            (Ok(context), Ok(input)) => context.services.trigger_action(context, action, input),
        }
    }

    /// Schedules a sync of the same connection to run after this run has succeeded.
    pub fn trigger_sync(&self, name: &str) -> Result<()> {
        let context = self.active_context()?;
        context.services.trigger_sync(context, name)
    }
}

fn typed<T: DeserializeOwned + Send + 'static>(output: BoxFuture<Result<Value>>) -> BoxFuture<Result<T>> {
    Box::pin(async move { decode_value(&output.await?).map_err(|error| Error::new(ErrorKind::Decode, error)) })
}
