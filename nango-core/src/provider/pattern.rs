//! Regular expressions of the catalogue.
//!
//! Entries contain expressions in JavaScript's syntax. They are translated for a linear-time engine, because entries
//! and texts are untrusted: a few bytes can make a backtracking engine run practically forever. Unsupported constructs
//! (lookbehind, backreferences, lookahead except directly after a leading `^`) are errors when the expression is
//! parsed.

mod translate;

use std::{str::FromStr, sync::OnceLock};

use regex::{Regex, RegexBuilder};

use translate::{Guard, translate};

/// Maximum size of a compiled expression, in bytes.
const MAX_COMPILED_BYTES: usize = 1 << 20;
/// Maximum length of an expression, in bytes.
const MAX_PATTERN_BYTES: usize = 4096;
/// Number of bytes of a text that [`Pattern::find`] searches.
const MAX_SEARCHED_BYTES: usize = 2000;

/// A regular expression in JavaScript's syntax, without flags. Matching takes linear time.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
    /// Lookaheads directly after a leading `^`, and whether each one must match.
    guards: Vec<(Regex, bool)>,
}

impl Pattern {
    /// Returns whether the expression matches anywhere in a text.
    pub fn is_match(&self, text: &str) -> bool {
        self.guards.iter().all(|(guard, must_match)| guard.is_match(text) == *must_match) && self.regex.is_match(text)
    }

    /// Returns what the first group matches in the first 2,000 bytes of a text, or the whole match if there is no
    /// group.
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        let text = &text[..text.floor_char_boundary(MAX_SEARCHED_BYTES)];
        if !self.guards.iter().all(|(guard, must_match)| guard.is_match(text) == *must_match) {
            return None;
        }
        let found = self.regex.captures(text)?;
        found.get(usize::from(found.len() > 1)).map(|part| part.as_str())
    }
}

/// Compares the texts of the expressions.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

/// Error of a text that cannot be used as a regular expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` cannot be used as a regular expression: {reason}")]
pub struct InvalidPattern {
    pattern: String,
    reason: String,
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    /// Parses an expression. The slashes of a JavaScript literal around it are removed.
    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let wrong = |reason: String| InvalidPattern { pattern: text.chars().take(300).collect(), reason };
        if text.len() > MAX_PATTERN_BYTES {
            return Err(wrong(format!("it has {} bytes, the limit is {MAX_PATTERN_BYTES}", text.len())));
        }
        let inner = text.strip_prefix('/').unwrap_or(text);
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let translated = translate(inner).map_err(wrong)?;
        let compile = |text: &str| {
            let mut builder = RegexBuilder::new(text);
            builder.size_limit(MAX_COMPILED_BYTES).dfa_size_limit(MAX_COMPILED_BYTES).build().map_err(|error| {
                match error {
                    regex::Error::CompiledTooBig(_) => wrong("its repetitions multiply to more than 1 MiB".to_owned()),
                    // The message of the engine would quote the translation, which is not in the entry.
                    _ => wrong("it is not valid JavaScript syntax".to_owned()),
                }
            })
        };
        let guards = translated.guards.iter().map(|Guard { text, must_match }| Ok((compile(text)?, *must_match)));
        Ok(Self {
            text: inner.to_owned(),
            regex: compile(&translated.text)?,
            guards: guards.collect::<Result<_, InvalidPattern>>()?,
        })
    }
}

/// An expression that is compiled on first use, because most fields of a catalogue are never used.
#[derive(Debug, Clone)]
pub struct LazyPattern {
    text: String,
    compiled: OnceLock<Result<Pattern, InvalidPattern>>,
}

impl LazyPattern {
    /// Stores an expression without compiling it.
    pub(crate) fn new(text: String) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    /// Returns the expression as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the compiled expression.
    ///
    /// # Errors
    ///
    /// Fails if the text is not a valid expression, or uses a construct that the linear-time engine does not support.
    pub fn compiled(&self) -> Result<&Pattern, &InvalidPattern> {
        self.compiled.get_or_init(|| self.text.parse()).as_ref()
    }
}

impl PartialEq for LazyPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for LazyPattern {}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn find(pattern: &str, text: &str) -> Option<String> {
        pattern.parse::<Pattern>().unwrap().find(text).map(str::to_owned)
    }

    fn reason(pattern: &str) -> String {
        pattern.parse::<Pattern>().unwrap_err().to_string()
    }

    #[test]
    fn slashes_are_dropped_and_first_group_is_found() {
        assert_eq!(find(r"/Retry after (\S+)/", "No. Retry after 12s, please").as_deref(), Some("12s,"));
        assert_eq!(find(r"in \d+", "try in 30").as_deref(), Some("in 30"));
        assert_eq!(find("(a)?b", "b"), None);
        assert_eq!(find("z", "b"), None);
        // A long text is truncated at a character boundary.
        assert_eq!(find("é$", &"é".repeat(5000)).as_deref(), Some("é"));
        assert_eq!(reason("/(/"), "`/(/` cannot be used as a regular expression: a `(` is not closed");
    }

    #[test]
    fn nested_repetition_matches_in_linear_time() {
        let started = Instant::now();
        for pattern in ["/(a+)+$/", r"^(\w+\s?)*$", "(a|aa)+$", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$"] {
            let _ = find(pattern, &format!("{}!", "a".repeat(5000)));
        }
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        assert!(reason("(((a{99}){99}){99}){99}").contains("multiply to more than 1 MiB"));
        assert!(reason(&"a".repeat(5000)).contains("it has 5000 bytes, the limit is 4096"));
    }

    #[test]
    fn unsupported_construct_is_named_in_the_error() {
        for (pattern, construct) in [
            ("a(?=b)", "lookahead `(?=`"),
            ("^a|^(?!b)", "lookahead `(?!`"),
            ("^(?!b)a|c", "lookahead `(?!`"),
            ("(?<=in )x", "lookbehind `(?<=`"),
            ("(?<!in )x", "lookbehind `(?<!`"),
            (r"(a)\1", r"backreference `\1`"),
            (r"(?<n>a)\k<n>", r"backreference `\k`"),
        ] {
            let error = reason(pattern);
            let expect =
                format!("`{pattern}` cannot be used as a regular expression: the {construct} is not supported");
            assert!(error.starts_with(&expect), "{error}");
        }
    }

    #[test]
    fn lazy_pattern_is_compiled_once_and_compared_by_text() {
        let (one, other) = (LazyPattern::new("^a$".to_owned()), LazyPattern::new("^a$".to_owned()));
        assert!(one.compiled().unwrap().is_match("a"));
        assert!(std::ptr::eq(one.compiled().unwrap(), one.compiled().unwrap()));
        assert_eq!(one, other);
        assert_eq!(LazyPattern::new("(".to_owned()).compiled().unwrap_err().to_string(), reason("("));
    }
}
