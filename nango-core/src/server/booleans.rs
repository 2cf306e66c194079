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
