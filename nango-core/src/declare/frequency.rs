//! Frequency of a sync.
//!
//! The grammar is Nango's, so that existing schedules can be copied without a change: its named intervals, or `every`
//! and a duration in the format of npm's `ms`. The macros compile this file as well (`nango-macros/src/lib.rs` includes
//! it by path), so that attributes and APIs accept the same texts; it therefore depends on nothing but `std`.
//!
//! Not supported on purpose: cron expressions, time zones and calendar months. A sync is due when its interval has
//! elapsed, and `every month` means 30 days, as in Nango.

use std::{borrow::Cow, fmt};

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// Named intervals, in seconds.
const NAMED: [(&str, f64); 7] = [
    ("quarter hour", 15.0 * MINUTE),
    ("half hour", 30.0 * MINUTE),
    ("hour", HOUR),
    ("half day", 12.0 * HOUR),
    ("day", DAY),
    ("week", 7.0 * DAY),
    ("month", 30.0 * DAY),
];

/// Interval between two runs of a sync: at least 30 seconds, at most 31 days.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Frequency {
    text: Cow<'static, str>,
    seconds: u32,
}

impl Frequency {
    /// Minimum interval, in seconds.
    pub const SHORTEST: u32 = 30;
    /// Maximum interval, in seconds.
    pub const LONGEST: u32 = 31 * 24 * 60 * 60;

    /// Creates a frequency that the macro has already parsed.
    #[doc(hidden)]
    pub const fn declared(text: &'static str, seconds: u32) -> Self {
        Self { text: Cow::Borrowed(text), seconds }
    }

    /// Parses `every hour`, `every half day`, `every 5 minutes`, `30s`, `1.5 hours` and similar texts.
    ///
    /// # Errors
    ///
    /// Fails if the text is not a frequency, or lies outside [`SHORTEST`](Self::SHORTEST)..=[`LONGEST`](Self::LONGEST).
    /// The error names the text and valid alternatives.
    pub fn parse(text: &str) -> Result<Self, FrequencyError> {
        let trimmed = text.trim();
        let seconds = seconds(trimmed.strip_prefix("every ").unwrap_or(trimmed).trim())
            .ok_or_else(|| FrequencyError::Unreadable(text.to_owned()))?;
        if seconds < f64::from(Self::SHORTEST) {
            return Err(FrequencyError::TooOften(text.to_owned()));
        }
        if seconds > f64::from(Self::LONGEST) {
            return Err(FrequencyError::TooRare(text.to_owned()));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the bounds were checked above")]
        Ok(Self { text: Cow::Owned(trimmed.to_owned()), seconds: seconds as u32 })
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
    /// The interval is under [`Frequency::SHORTEST`].
    TooOften(String),
    /// The interval is over [`Frequency::LONGEST`].
    TooRare(String),
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

pub(crate) fn seconds(text: &str) -> Option<f64> {
    if let Some((_, seconds)) = NAMED.iter().find(|(name, _)| *name == text) {
        return Some(*seconds);
    }
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(unit_at);
    let unit = match unit.trim_start() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => MINUTE,
        "h" | "hr" | "hrs" | "hour" | "hours" => HOUR,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => 7.0 * DAY,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<f64, &str>) {
        let got = Frequency::parse(text).map(|f| f64::from(f.seconds())).map_err(|e| e.to_string());
        assert_eq!(got, expect.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn frequency_is_parsed_from_a_name_or_a_number() {
        check("every hour", Ok(HOUR));
        check("every half day", Ok(12.0 * HOUR));
        check("every month", Ok(30.0 * DAY));
        check("every 5 minutes", Ok(5.0 * MINUTE));
        check("30s", Ok(30.0));
        check(" every 1.5 hours ", Ok(90.0 * MINUTE));
        check("every 2 weeks", Ok(14.0 * DAY));
    }

    #[test]
    fn invalid_frequency_is_refused_with_an_example() {
        let help = "write \"every hour\", \"every day\", \"every 5 minutes\" or \"every 30s\"";
        for text in ["", "every", "evry hour", "5", "every -5 minutes", "1.2.3h", "every 5 fortnights"] {
            check(text, Err(&format!("`{text}` is not a frequency: {help}")));
        }
        check("every 29 seconds", Err("`every 29 seconds` is too often: the shortest frequency is 30 seconds"));
        check("every 32 days", Err("`every 32 days` is too rare: the longest frequency is 31 days"));
    }
}
