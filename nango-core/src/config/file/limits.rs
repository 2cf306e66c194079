//! Parser of `[limits]`: limits of walks, records, metadata and runs at the same time.

use std::{ops::RangeInclusive, time::Duration};

use nango_grammar::frequency::parse_interval;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{entries::entries, reader::Reader};
use crate::config::{ConfigError, Limits};

const KEYS: [&str; 10] = [
    "walk_pages",
    "walk_bytes",
    "walk_empty_pages",
    "walk_stall",
    "record_bytes",
    "metadata_bytes",
    "runs",
    "runs_per_connection",
    "runs_per_integration",
    "actions",
];
/// Maximum number of runs at the same time.
const MAX_SLOTS: u32 = 10_000;
/// Allowed values of `walk_stall`.
const STALL: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_hours(7 * 24);

impl Reader<'_> {
    pub(super) fn limits(&self, table: &DeTable<'_>) -> Result<Limits, ConfigError> {
        let mut limits = Limits::default();
        for (key, at, value) in entries(table) {
            let full = format!("limits.{key}");
            match key {
                "walk_pages" => limits.walk.max_pages = self.count_of(&full, at, value)?,
                "walk_bytes" => limits.walk.max_bytes = self.size_of(&full, at, value)?,
                "walk_empty_pages" => limits.walk.max_empty_pages = self.count_of(&full, at, value)?,
                "walk_stall" => limits.walk.stall = self.stall(&full, at, value)?,
                "record_bytes" => limits.record_bytes = self.size_of(&full, at, value)?,
                "metadata_bytes" => limits.metadata_bytes = self.size_of(&full, at, value)?,
                "runs" => limits.concurrency.runs = self.slots_of(&full, at, value)?,
                "runs_per_connection" => limits.concurrency.runs_per_connection = self.slots_of(&full, at, value)?,
                "runs_per_integration" => limits.concurrency.runs_per_integration = self.slots_of(&full, at, value)?,
                "actions" => limits.concurrency.actions = self.slots_of(&full, at, value)?,
                _ => return Err(self.unknown_key(at, key, Some("limits"), &KEYS)),
            }
        }
        Ok(limits)
    }

    pub(super) fn count_of(&self, key: &str, at: usize, value: &Spanned<DeValue<'_>>) -> Result<u64, ConfigError> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().replace('_', "").parse().ok(),
            _ => None,
        };
        number
            .filter(|number| *number > 0)
            .ok_or_else(|| self.value_error(at, key, "must be a whole number of at least 1"))
    }

    fn slots_of(&self, key: &str, at: usize, value: &Spanned<DeValue<'_>>) -> Result<u32, ConfigError> {
        let number = self.count_of(key, at, value).ok().and_then(|number| u32::try_from(number).ok());
        let expected = format!("must be a whole number from 1 to {MAX_SLOTS}");
        number.filter(|number| *number <= MAX_SLOTS).ok_or_else(|| self.value_error(at, key, expected))
    }

    pub(super) fn size_of(&self, key: &str, at: usize, value: &Spanned<DeValue<'_>>) -> Result<u64, ConfigError> {
        let size = match value.get_ref() {
            DeValue::Integer(_) => self.count_of(key, at, value).ok(),
            DeValue::String(text) => parse_size(text),
            _ => None,
        };
        size.filter(|size| *size >= 1_024).ok_or_else(|| {
            self.value_error(at, key, "must be a size of at least 1KiB, such as \"16MiB\", \"2GB\", or in bytes")
        })
    }

    fn stall(&self, key: &str, at: usize, value: &Spanned<DeValue<'_>>) -> Result<Duration, ConfigError> {
        let text = self.string_of(key, at, value)?;
        let stall = parse_interval(&text).filter(|stall| STALL.contains(stall));
        let expected = "must be a duration from 10 seconds to 7 days, such as \"1h\" or \"30 minutes\"";
        stall.ok_or_else(|| self.value_error(at, key, expected))
    }
}

/// Parses a size in bytes with an optional decimal or binary unit; `None` if it is invalid.
fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::file::read;

    fn limits(text: &str) -> Result<Limits, String> {
        let file = read(Path::new("nango.toml"), &format!("[limits]\n{text}"));
        file.map(|file| file.limits).map_err(|error| error.to_string())
    }

    #[test]
    fn limits_are_read_in_their_units() {
        let text = "walk_pages = 5\nwalk_bytes = '2GB'\nwalk_empty_pages = 7\nwalk_stall = '30m'\n\
                    record_bytes = 65536\nmetadata_bytes = '4 KiB'";
        let limits = limits(text).unwrap();
        assert_eq!((limits.walk.max_pages, limits.walk.max_bytes), (5, 2_000_000_000));
        assert_eq!((limits.walk.max_empty_pages, limits.walk.stall), (7, Duration::from_mins(30)));
        assert_eq!((limits.record_bytes, limits.metadata_bytes), (65_536, 4_096));
        assert_eq!(self::limits("").unwrap(), Limits::default());
    }

    #[test]
    fn wrong_limit_names_its_key_and_what_is_allowed() {
        for (text, expect) in [
            ("walk_pages = 0", "`limits.walk_pages` must be a whole number of at least 1"),
            ("walk_pages = '5'", "`limits.walk_pages` must be a whole number of at least 1"),
            ("walk_bytes = '5 parsecs'", "`limits.walk_bytes` must be a size of at least 1KiB"),
            ("record_bytes = 12", "`limits.record_bytes` must be a size of at least 1KiB"),
            ("walk_stall = '1s'", "`limits.walk_stall` must be a duration from 10 seconds to 7 days"),
            ("pages = 1", "unknown key `pages` in [limits]"),
        ] {
            let error = limits(text).unwrap_err();
            assert!(error.starts_with(&format!("nango.toml:2: {expect}")), "{error}");
        }
    }
}
