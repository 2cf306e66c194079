//! Secret text that `Debug` does not print, in memory that is wiped on drop.

use std::fmt;

use zeroize::Zeroizing;

/// A secret text. `Debug` prints `***`, and the memory is wiped on drop.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Returns the secret text. The caller must not log or store it in plain form.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_form_hides_the_secret() {
        assert_eq!(format!("{:?}", Some(Secret::from("hush"))), "Some(***)");
        assert_eq!(Secret::from("hush").expose(), "hush");
    }
}
