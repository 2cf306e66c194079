//! Requests that are signed one by one.

use super::{InjectError, Owned};
use crate::{
    auth::App,
    http::Outgoing,
    provider::{Moment, Provider},
};

/// What signs the requests of a connection.
#[derive(Debug)]
pub(super) enum Signer {}

impl Signer {
    /// The signer of these credentials; `None`: they are not signed.
    pub(super) fn of(_provider: &Provider, _subject: &Owned, _app: &App) -> Result<Option<Self>, InjectError> {
        Ok(None)
    }

    /// Signs a request that has everything else.
    pub(super) fn sign(&self, _subject: &Owned, _request: &mut Outgoing, _moment: Moment) -> Result<(), InjectError> {
        match *self {}
    }
}
