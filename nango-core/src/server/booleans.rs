//! Spellings of booleans in queries and headers.

/// Spellings of a boolean, those of `true` first.
pub(crate) const BOOLEANS: [(&str, bool); 12] = [
    ("true", true),
    ("1", true),
    ("yes", true),
    ("on", true),
    ("y", true),
    ("enabled", true),
    ("false", false),
    ("0", false),
    ("no", false),
    ("off", false),
    ("n", false),
    ("disabled", false),
];

/// Returns the value of a spelling; `None` for another text.
pub(crate) fn parse(text: &str) -> Option<bool> {
    BOOLEANS.iter().find(|(spelling, _)| text.eq_ignore_ascii_case(spelling)).map(|(_, value)| *value)
}
