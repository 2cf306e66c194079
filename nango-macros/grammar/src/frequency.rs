//! Frequency of a sync.
//!
//! The grammar is Nango's, so that existing schedules can be copied without a change: its named intervals, or `every`
//! and a span in the format of npm's `ms`.
//!
//! Not supported on purpose: cron expressions, time zones and calendar months. A sync is due when its interval has
//! elapsed, and `every month` means 30 days, as in Nango.

use std::{borrow::Cow, fmt, time::Duration};

use crate::{span, suggest};

const EVERY: &str = "every ";
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Named intervals, in seconds.
const NAMED: [(&str, u64); 7] = [
    ("every quarter hour", 15 * MINUTE),
    ("every half hour", 30 * MINUTE),
    ("every hour", HOUR),
    ("every half day", 12 * HOUR),
    ("every day", DAY),
    ("every week", 7 * DAY),
    ("every month", 30 * DAY),
];

/// Interval between two runs of a sync: at least 30 seconds, at most 31 days.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Frequency {
    text: Cow<'static, str>,
    seconds: u32,
}

impl Frequency {
    /// Minimum interval, in seconds.
    pub const MIN_SECONDS: u32 = 30;
    /// Maximum interval, in seconds.
    pub const MAX_SECONDS: u32 = 31 * 24 * 60 * 60;

    /// Creates a frequency that the macro has already parsed.
    #[doc(hidden)]
    pub const fn declared(text: &'static str, seconds: u32) -> Self {
        Self { text: Cow::Borrowed(text), seconds }
    }

    /// Parses `every hour`, `every half day`, `every 5 minutes`, `30s`, `1.5 hours` and similar texts.
    ///
    /// # Errors
    ///
    /// Fails if the text is not a frequency, or lies outside
    /// [`MIN_SECONDS`](Self::MIN_SECONDS)..=[`MAX_SECONDS`](Self::MAX_SECONDS). The error names the text and valid
    /// alternatives.
    pub fn parse(text: &str) -> Result<Self, FrequencyError> {
        let trimmed = text.trim();
        let interval = parse_interval(trimmed.strip_prefix(EVERY).unwrap_or(trimmed).trim())
            .ok_or_else(|| FrequencyError::Unreadable(text.to_owned()))?;
        if interval < Duration::from_secs(Self::MIN_SECONDS.into()) {
            return Err(FrequencyError::TooOften(text.to_owned()));
        }
        match u32::try_from(interval.as_secs()) {
            Ok(seconds) if interval <= Duration::from_secs(Self::MAX_SECONDS.into()) => {
                Ok(Self { text: Cow::Owned(trimmed.to_owned()), seconds })
            }
            _ => Err(FrequencyError::TooRare(text.to_owned())),
        }
    }

    /// Returns the frequency in its original text, without surrounding spaces.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the seconds from the start of one run to the start of the next.
    pub const fn seconds(&self) -> u32 {
        self.seconds
    }
}

/// Reason why a text is not a valid [`Frequency`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrequencyError {
    /// The text does not follow the grammar.
    Unreadable(String),
    /// The interval is under [`Frequency::MIN_SECONDS`].
    TooOften(String),
    /// The interval is over [`Frequency::MAX_SECONDS`].
    TooRare(String),
}

impl FrequencyError {
    /// Returns the named frequency that a misspelt text is nearest to, such as `every hour` for `evry hour`.
    pub fn suggestion(&self) -> Option<&'static str> {
        let Self::Unreadable(text) = self else { return None };
        suggest::nearest(text, NAMED.iter().map(|(name, _)| *name))
    }
}

impl fmt::Display for FrequencyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(text) => write!(
                f,
                "`{text}` is not a frequency: write \"every hour\", \"every day\", \"every 5 minutes\" or \"every 30s\""
            ),
            Self::TooOften(text) => write!(f, "`{text}` is too often: the shortest frequency is 30 seconds"),
            Self::TooRare(text) => write!(f, "`{text}` is too rare: the longest frequency is 31 days"),
        }
    }
}

impl std::error::Error for FrequencyError {}

/// Parses an interval without `every` and without limits: `hour`, `half day`, `month` and the other names, or a
/// [span](span::parse) such as `30 minutes`.
pub fn parse_interval(text: &str) -> Option<Duration> {
    let named = NAMED.iter().find(|(name, _)| name.strip_prefix(EVERY) == Some(text));
    named.map(|(_, seconds)| Duration::from_secs(*seconds)).or_else(|| span::parse(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<u64, &str>) {
        let got = Frequency::parse(text).map(|f| u64::from(f.seconds())).map_err(|e| e.to_string());
        assert_eq!(got, expect.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn frequency_is_parsed_from_a_name_or_a_number() {
        check("every hour", Ok(HOUR));
        check("every half day", Ok(12 * HOUR));
        check("every month", Ok(30 * DAY));
        check("every 5 minutes", Ok(5 * MINUTE));
        check("30s", Ok(30));
        check(" every 1.5 hours ", Ok(90 * MINUTE));
        check("every 2 weeks", Ok(14 * DAY));
    }

    #[test]
    fn invalid_frequency_is_refused_with_an_example() {
        let help = "write \"every hour\", \"every day\", \"every 5 minutes\" or \"every 30s\"";
        for text in ["", "every", "evry hour", "5", "every -5 minutes", "1.2.3h", "every 5 fortnights"] {
            check(text, Err(&format!("`{text}` is not a frequency: {help}")));
        }
        check("every 29 seconds", Err("`every 29 seconds` is too often: the shortest frequency is 30 seconds"));
        check("29.9s", Err("`29.9s` is too often: the shortest frequency is 30 seconds"));
        check("2678400.5s", Err("`2678400.5s` is too rare: the longest frequency is 31 days"));
        check("every 32 days", Err("`every 32 days` is too rare: the longest frequency is 31 days"));
    }

    #[test]
    fn misspelt_named_frequency_has_a_suggestion() {
        let suggestion = |text: &str| Frequency::parse(text).unwrap_err().suggestion();
        assert_eq!(suggestion("evry hour"), Some("every hour"));
        assert_eq!(suggestion("every munth"), Some("every month"));
        assert_eq!(suggestion("sometimes"), None);
        assert_eq!(suggestion("every 1 second"), None);
    }

    #[test]
    fn interval_has_no_limits() {
        assert_eq!(parse_interval("half day"), Some(Duration::from_hours(12)));
        assert_eq!(parse_interval("1s"), Some(Duration::from_secs(1)));
        assert_eq!(parse_interval("100 weeks"), Some(Duration::from_secs(700 * DAY)));
        assert_eq!(parse_interval("every hour"), None);
    }
}
