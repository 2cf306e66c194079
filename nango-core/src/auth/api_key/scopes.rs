//! Sets of scopes as a key has them: names, and wildcards such as `environment:records:*`.

use super::scope::Scope;
use crate::declare::suggest;

/// Scopes of an API key. A wildcard is kept as it was given, so that it includes scopes of later versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scopes {
    names: Vec<String>,
    granted: u64,
}

/// Error of a name that is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown scope `{name}`; available: {}, and wildcards such as `environment:records:*` and `environment:*`{}",
    suggest::list(Scope::all().map(Scope::name)),
    suggest::hint(suggest::nearest(name, Scope::all().map(Scope::name)))
)]
pub(crate) struct UnknownScope {
    name: String,
}

impl Scopes {
    /// Returns the set of all scopes, `environment:*`.
    #[cfg(feature = "server")]
    pub(crate) fn all() -> Self {
        Self::stored(vec!["environment:*".to_owned()])
    }

    /// Parses names and wildcards. Repeated ones are kept once.
    ///
    /// # Errors
    ///
    /// Fails if a name is no scope, or a wildcard includes none.
    pub(crate) fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownScope> {
        let mut scopes = Self { names: Vec::new(), granted: 0 };
        for name in names {
            let granted = granted_by(name);
            if granted == 0 {
                return Err(UnknownScope { name: name.to_owned() });
            }
            if !scopes.names.iter().any(|known| known == name) {
                scopes.names.push(name.to_owned());
                scopes.granted |= granted;
            }
        }
        Ok(scopes)
    }

    /// Reads the names of a stored key. A name of another version that this one does not have permits nothing.
    #[cfg(feature = "server")]
    pub(crate) fn stored(names: Vec<String>) -> Self {
        let granted = names.iter().map(|name| granted_by(name)).fold(0, |set, scopes| set | scopes);
        Self { names, granted }
    }

    /// Returns whether the set includes the scope.
    #[cfg(feature = "server")]
    pub(crate) fn includes(&self, scope: Scope) -> bool {
        self.granted & scope.bit() != 0
    }

    /// Returns the names and wildcards as they were given.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }
}

/// Returns the scopes that a name or a wildcard includes. `*` stands for one or more parts, at the end only.
fn granted_by(name: &str) -> u64 {
    let includes = |scope: &str| match name.strip_suffix('*') {
        Some(prefix) => prefix.ends_with(':') && scope.starts_with(prefix),
        None => scope == name,
    };
    Scope::all().filter(|scope| includes(scope.name())).fold(0, |set, scope| set | scope.bit())
}

#[cfg(feature = "server")]
#[cfg(test)]
mod tests {
    use super::*;

    fn included(names: &[&str]) -> Vec<&'static str> {
        let scopes = Scopes::parse(names.iter().copied()).unwrap();
        Scope::all().filter(|scope| scopes.includes(*scope)).map(Scope::name).collect()
    }

    #[test]
    fn name_includes_its_scope_only() {
        assert_eq!(included(&["environment:records:read"]), ["environment:records:read"]);
        assert_eq!(included(&["environment:integrations:list"]), ["environment:integrations:list"]);
        assert!(included(&[]).is_empty());
    }

    #[test]
    fn wildcard_includes_all_scopes_below_it() {
        assert_eq!(included(&["environment:records:*"]), ["environment:records:read", "environment:records:write"]);
        assert_eq!(
            included(&["environment:syncs:variant:*"]),
            ["environment:syncs:variant:create", "environment:syncs:variant:delete"]
        );
        assert_eq!(included(&["environment:*"]).len(), Scope::all().count());
        assert!(Scope::all().all(|scope| Scopes::all().includes(scope)));
    }

    #[test]
    fn unknown_scope_is_an_error_with_the_list_and_a_suggestion() {
        let refused = |name: &str| Scopes::parse([name]).unwrap_err().to_string();
        let error = refused("environment:record:read");
        assert!(error.starts_with("unknown scope `environment:record:read`; available: `environment:integ"), "{error}");
        assert!(error.ends_with("; did you mean `environment:records:read`?"), "{error}");
        for name in ["", "*", "environment", "environment:", "environment:rec*", "environment:nothing:*", "account:*"] {
            assert!(refused(name).starts_with(&format!("unknown scope `{name}`; ")));
        }
    }

    #[test]
    fn stored_scope_of_another_version_permits_nothing_and_is_kept() {
        let scopes = Scopes::stored(vec!["environment:later:read".into(), "environment:proxy".into()]);
        assert_eq!(Scope::all().filter(|scope| scopes.includes(*scope)).collect::<Vec<_>>(), [Scope::Proxy]);
        assert_eq!(scopes.names(), ["environment:later:read", "environment:proxy"]);
    }
}
