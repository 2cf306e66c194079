//! The kinds of credentials.

use std::{fmt, str::FromStr};

use crate::declare::suggest;

/// A kind of credentials. OAuth and its kin, which obtain and refresh tokens, join with the outbound capability; until
/// then a token that was obtained elsewhere is a [`Bearer`](AuthMode::Bearer).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AuthMode {
    /// None at all.
    None,
    /// A key; the provider's entry says where it goes.
    ApiKey,
    /// A user name and a password.
    Basic,
    /// A token in `Authorization: Bearer`.
    Bearer,
}

impl AuthMode {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::ApiKey, Self::Basic, Self::Bearer];

    const NAMES: [&str; 4] = ["none", "api-key", "basic", "bearer"];

    /// The name on the command line: `api-key`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ApiKey => "api-key",
            Self::Basic => "basic",
            Self::Bearer => "bearer",
        }
    }

    /// The name in the database, in provider files and in credentials: `API_KEY`.
    pub const fn stored_name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::ApiKey => "API_KEY",
            Self::Basic => "BASIC",
            Self::Bearer => "BEARER",
        }
    }
}

impl fmt::Display for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no kind of credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of credentials: there are {list}{hint}", list = suggest::list(AuthMode::NAMES), hint = hint(_0))]
pub struct UnknownMode(pub String);

fn hint(wrong: &str) -> String {
    let near = suggest::nearest(wrong, AuthMode::NAMES);
    near.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

/// Reads either name, in any case.
impl FromStr for AuthMode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        let plain = text.to_ascii_lowercase().replace('_', "-");
        Self::ALL.into_iter().find(|mode| mode.name() == plain).ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_names_are_read() {
        for mode in AuthMode::ALL {
            assert_eq!(mode.name().parse(), Ok(mode));
            assert_eq!(mode.stored_name().parse(), Ok(mode));
        }
        let error = "api-kee".parse::<AuthMode>().unwrap_err().to_string();
        let text = "`api-kee` is no kind of credentials: there are `none`, `api-key`, `basic` and `bearer` (did you mean `api-key`?)";
        assert_eq!(error, text);
    }
}
