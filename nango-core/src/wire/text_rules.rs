//! Rules of texts in requests: names, ids and cursors. One rule checks a value and describes it in the document.

use schemars::{Schema, json_schema};

use super::ValidationError;

/// Allowed characters and length of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextRule {
    /// Regular expression of the document. Without it every character is allowed, except control characters.
    pub pattern: Option<&'static str>,
    /// Whether the first character is allowed there.
    first: fn(char) -> bool,
    /// Whether the character is allowed at other places.
    other: fn(char) -> bool,
    /// Minimum number of characters.
    pub min: usize,
    /// Maximum number of characters.
    pub max: usize,
}

const fn rule(pattern: &'static str, allowed: fn(char) -> bool) -> TextRule {
    TextRule { pattern: Some(pattern), first: allowed, other: allowed, min: 1, max: 255 }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

impl TextRule {
    /// Unique key of an integration.
    pub(crate) const UNIQUE_KEY: Self =
        rule("^[a-zA-Z0-9~:.@ _-]+$", |c| is_word(c) || matches!(c, '~' | ':' | '.' | '@' | ' '));
    /// Name of a provider, of a function, or of a variant of a sync.
    pub(crate) const NAME: Self = rule("^[a-zA-Z0-9_-]+$", is_word);
    /// Id of a connection.
    pub(crate) const CONNECTION_ID: Self =
        rule(r#"^[a-zA-Z0-9,.;:=+~\[\]|@${}"'\\/_ -]+$"#, |c| is_word(c) || r#",.;:=+~[]|@${}"'\/ "#.contains(c));
    /// Name of a model.
    pub(crate) const MODEL: Self = Self {
        pattern: Some("^[A-Z][a-zA-Z0-9_-]+$"),
        first: |c| c.is_ascii_uppercase(),
        other: is_word,
        min: 2,
        max: 255,
    };
    /// Cursor of a feed.
    pub(crate) const CURSOR: Self = Self {
        max: 1_000,
        ..rule("^[a-zA-Z0-9_=+/.|-]+$", |c| is_word(c) || matches!(c, '=' | '+' | '/' | '.' | '|'))
    };
    /// Unique keys of integrations, separated by commas; [`TextRule::check`] does not check each key.
    pub(crate) const UNIQUE_KEYS: Self = Self {
        max: 5_000,
        ..rule("^[a-zA-Z0-9~:.@ _-]{1,255}(,[a-zA-Z0-9~:.@ _-]{1,255})*$", |c| {
            is_word(c) || matches!(c, '~' | ':' | '.' | '@' | ' ' | ',')
        })
    };
    /// Last actions of records, separated by commas; [`TextRule::check`] checks only characters.
    pub(crate) const ACTIONS: Self =
        rule("^(added|updated|deleted|ADDED|UPDATED|DELETED)(,(added|updated|deleted|ADDED|UPDATED|DELETED))*$", |c| {
            c.is_ascii_alphabetic() || c == ','
        });
    /// Names of syncs, separated by commas, or `*`; [`TextRule::check`] does not check each name.
    pub(crate) const SYNCS: Self = Self {
        max: 5_000,
        ..rule(
            r"^(\*|[a-zA-Z0-9_-]{1,255}(::[a-zA-Z0-9_-]{1,255})?(,[a-zA-Z0-9_-]{1,255}(::[a-zA-Z0-9_-]{1,255})?)*)$",
            |c| is_word(c) || matches!(c, ':' | ',' | '*'),
        )
    };
    /// Part of an integration; [`TextRule::check`] checks only characters.
    pub(crate) const INCLUDE: Self = rule("^(webhook|credentials)$", |c| c.is_ascii_lowercase());
    /// Returns the rule of any text without control characters.
    pub(crate) const fn any(min: usize, max: usize) -> Self {
        let allowed: fn(char) -> bool = |c| !c.is_control();
        Self { pattern: None, first: allowed, other: allowed, min, max }
    }

    /// Checks a value. The path is that of the value in the request.
    pub(crate) fn check(&self, value: &str, path: &[&str]) -> Result<(), ValidationError> {
        let length = value.chars().count();
        if length < self.min {
            let message = format!("Too small: expected string to have >={} characters", self.min);
            return Err(ValidationError::new("too_small", message, path));
        }
        if length > self.max {
            let message = format!("Too big: expected string to have <={} characters", self.max);
            return Err(ValidationError::new("too_big", message, path));
        }
        let mut characters = value.chars();
        if characters.next().is_none_or(self.first) && characters.all(self.other) {
            return Ok(());
        }
        let message = match self.pattern {
            Some(pattern) => format!("Invalid string: must match pattern /{pattern}/"),
            None => "Invalid string: must have no control characters".to_owned(),
        };
        Err(ValidationError::new("invalid_format", message, path))
    }

    /// Returns the JSON Schema.
    pub(crate) fn schema(&self) -> Schema {
        let pattern = self.pattern.unwrap_or(r"^[^\u0000-\u001f\u007f-\u009f]*$");
        json_schema!({ "type": "string", "pattern": pattern, "minLength": self.min, "maxLength": self.max })
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn pattern_and_check_allow_the_same_characters() {
        let rules = [TextRule::UNIQUE_KEY, TextRule::NAME, TextRule::CONNECTION_ID, TextRule::MODEL, TextRule::CURSOR];
        for rule in rules {
            let pattern = Regex::new(rule.pattern.unwrap()).unwrap();
            for c in (0..0x250).filter_map(char::from_u32) {
                for text in [format!("{c}a"), format!("A{c}")] {
                    assert_eq!(rule.check(&text, &[]).is_ok(), pattern.is_match(&text), "{pattern}: {text:?}");
                }
            }
        }
    }

    #[test]
    fn check_names_the_problem() {
        let code = |rule: TextRule, text: &str| rule.check(text, &["x"]).map_err(|error| error.code);
        assert_eq!(code(TextRule::MODEL, "GithubIssue"), Ok(()));
        assert_eq!(code(TextRule::MODEL, "G"), Err("too_small"));
        assert_eq!(code(TextRule::MODEL, "issue"), Err("invalid_format"));
        assert_eq!(code(TextRule::NAME, ""), Err("too_small"));
        assert_eq!(code(TextRule::NAME, &"a".repeat(256)), Err("too_big"));
        assert_eq!(code(TextRule::any(0, 10), "é\u{7}"), Err("invalid_format"));
        assert_eq!(code(TextRule::any(0, 10), ""), Ok(()));
    }
}
