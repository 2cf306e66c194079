//! The caller of a request to the HTTP API, as its key determines it.

use std::sync::Arc;

use uuid::Uuid;

use super::{scope::Scope, scopes::Scopes};

/// Caller of a request: its key, and the permissions of the key. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Id of the key. The nil id is the key of the environment variable.
    pub(crate) key: Uuid,
    /// Scopes of the key.
    pub(crate) scopes: Arc<Scopes>,
    /// Integrations to which the key is limited, by unique key. `None`: all.
    pub(crate) integrations: Option<Arc<[String]>>,
}

impl Caller {
    /// Returns whether the key has the scope.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.scopes.includes(scope)
    }

    /// Returns whether the key may use the integration. For one that it may not use, the answer must be the same as
    /// for an integration that does not exist.
    pub(crate) fn may_use(&self, integration: &str) -> bool {
        self.integrations.as_ref().is_none_or(|allowed| allowed.iter().any(|name| name == integration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caller_is_limited_to_the_scopes_and_integrations_of_its_key() {
        let mut caller = Caller {
            key: Uuid::nil(),
            scopes: Arc::new(Scopes::parse(["environment:records:read"]).unwrap()),
            integrations: None,
        };
        assert!(caller.may(Scope::RecordsRead) && !caller.may(Scope::RecordsWrite));
        assert!(caller.may_use("github"));
        caller.integrations = Some(Arc::new(["github".to_owned()]));
        assert!(caller.may_use("github") && !caller.may_use("git") && !caller.may_use("GitHub"));
    }
}
