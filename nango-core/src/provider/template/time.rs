//! Times in templates: `now`, `now:FORMAT`, `now+N:unit:FORMAT`.
//!
//! Formats use the tokens of the library dayjs, always in UTC. Other letters, and everything between `[` and `]`, are
//! literal.

use jiff::SignedDuration;
use uuid::Uuid;

use crate::time::Timestamp;

/// Time and random number of one request. All templates of a request use the same instance, so that a signature matches
/// the headers that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestEntropy {
    /// Time of the request.
    pub now: Timestamp,
    /// Value of `${random}`.
    pub random: Uuid,
}

/// A time expression of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeFormat {
    /// The expression as written.
    text: String,
    offset: SignedDuration,
    tokens: Vec<TimeToken>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TimeToken {
    Text(String),
    /// A `strftime` specifier.
    Time(&'static str),
    Millis,
}

/// Tokens with their `strftime` specifiers, longer tokens first.
const TOKENS: [(&str, &str); 26] = [
    ("YYYY", "%Y"),
    ("YY", "%y"),
    ("MMMM", "%B"),
    ("MMM", "%b"),
    ("MM", "%m"),
    ("M", "%-m"),
    ("DD", "%d"),
    ("D", "%-d"),
    ("dddd", "%A"),
    ("ddd", "%a"),
    ("d", "%w"),
    ("HH", "%H"),
    ("H", "%-H"),
    ("hh", "%I"),
    ("h", "%-I"),
    ("mm", "%M"),
    ("m", "%-M"),
    ("SSS", "%3f"),
    ("ss", "%S"),
    ("s", "%-S"),
    ("ZZ", "+0000"),
    ("Z", "+00:00"),
    ("A", "%p"),
    ("a", "%P"),
    ("X", "%s"),
    ("x", MILLIS),
];
const MILLIS: &str = "x";
const ISO: &str = "YYYY-MM-DDTHH:mm:ss.SSS[Z]";

const UNITS: [(&str, i64); 6] = [
    ("millisecond", 1),
    ("second", 1_000),
    ("minute", 60_000),
    ("hour", 3_600_000),
    ("day", 86_400_000),
    ("week", 604_800_000),
];

impl TimeFormat {
    /// Parses `now`, `now:FORMAT` and `now+N:unit:FORMAT`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("now")?;
        let (offset, format) = if rest.starts_with(['+', '-']) {
            let (number, rest) = rest.split_once(':')?;
            let (unit, format) = rest.split_once(':').map_or((rest, None), |(unit, format)| (unit, Some(format)));
            let unit = UNITS.iter().find(|(name, _)| unit.strip_suffix('s').unwrap_or(unit) == *name)?.1;
            (SignedDuration::from_millis(number.parse::<i64>().ok()?.checked_mul(unit)?), format)
        } else if let Some(format) = rest.strip_prefix(':') {
            (SignedDuration::ZERO, Some(format))
        } else if rest.is_empty() {
            (SignedDuration::ZERO, None)
        } else {
            return None;
        };
        if format == Some("") {
            return None;
        }
        Some(Self { text: text.to_owned(), offset, tokens: parse_tokens(format.unwrap_or(ISO)) })
    }

    /// Returns the expression as written, such as `now+1:minutes:X`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Formats the time; `None` if it is outside of the calendar.
    pub(in crate::provider) fn format(&self, entropy: RequestEntropy) -> Option<String> {
        let time = entropy.now.to_calendar().checked_add(self.offset).ok()?;
        let texts = self.tokens.iter().map(|token| match token {
            TimeToken::Text(text) => text.clone(),
            TimeToken::Time(specifier) => time.strftime(specifier).to_string(),
            TimeToken::Millis => time.as_millisecond().to_string(),
        });
        Some(texts.collect())
    }
}

fn parse_tokens(mut format: &str) -> Vec<TimeToken> {
    let mut found = Vec::new();
    while let Some(letter) = format.chars().next() {
        if let Some((literal, rest)) = format.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            found.push(TimeToken::Text(literal.to_owned()));
            format = rest;
        } else if let Some((token, to)) = TOKENS.iter().find(|(token, _)| format.starts_with(token)) {
            found.push(match *to {
                MILLIS => TimeToken::Millis,
                specifier => TimeToken::Time(specifier),
            });
            format = &format[token.len()..];
        } else {
            let (text, rest) = format.split_at(letter.len_utf8());
            found.push(TimeToken::Text(text.to_owned()));
            format = rest;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2025-03-05 04:03:09.070 UTC, a Wednesday.
    const ENTROPY: RequestEntropy =
        RequestEntropy { now: Timestamp::from_micros(1_741_147_389_070_000), random: Uuid::nil() };

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(TimeFormat::parse(text).unwrap().format(ENTROPY).unwrap(), expect, "{text}");
    }

    #[test]
    fn dayjs_tokens_are_formatted() {
        check("now", "2025-03-05T04:03:09.070Z");
        check("now:YYYYMMDDTHHmmss[Z]", "20250305T040309Z");
        check("now:YYYY-MM-DDTHH:mm:ss", "2025-03-05T04:03:09");
        check("now:ddd, DD MMM YYYY HH:mm:ss ZZ", "Wed, 05 Mar 2025 04:03:09 +0000");
        check("now:X x Z", "1741147389 1741147389070 +00:00");
        check("now:D/M/YY h:m:s a dddd MMMM", "5/3/25 4:3:9 am Wednesday March");
        check("now:[D M]D", "D M5");
    }

    #[test]
    fn relative_time_is_shifted_from_now() {
        check("now+1:minutes:X", "1741147449");
        check("now+7:days:YYYY-MM-DD", "2025-03-12");
        check("now-1:week:YYYY-MM-DD", "2025-02-26");
        check("now+2:hours", "2025-03-05T06:03:09.070Z");
        for wrong in
            ["now+1", "now+1:fortnights", "now+:days:X", "now:", "nowX", "later", "now+9223372036854775807:weeks"]
        {
            assert_eq!(TimeFormat::parse(wrong), None, "{wrong}");
        }
        let far = TimeFormat::parse("now+9999999999:days:X").unwrap();
        assert_eq!(far.format(ENTROPY), None);
    }

    proptest! {
        #[test]
        fn time_format_of_any_text_never_panics(
            text in "now([+-][0-9]{0,20}:[a-z]{0,8})?(:[A-Za-z\\[\\]%: ä]{0,20})?",
            now in any::<i64>(),
        ) {
            if let Some(format) = TimeFormat::parse(&text) {
                let now = Timestamp::from_micros(now);
                let _ = format.format(RequestEntropy { now, random: Uuid::nil() });
            }
        }
    }
}
