//! Durations in arguments, such as `overlap = "2m"` and `hold = "2h"`.

use std::ops::RangeInclusive;

use nango_grammar::span;

use crate::args::Args;

const DAY: u32 = 24 * 60 * 60;

/// Reads `key = "2m"` in seconds, from 1 s to 366 d.
pub(crate) fn positive(args: &mut Args, key: &str) -> Option<u32> {
    let example = "write \"90s\", \"2m\", \"12h\" or \"7d\", at most 366 days";
    within(args, key, 1..=366 * DAY, example)
}

/// Reads `key = "2h"` in seconds, from 0 s to 30 d.
pub(crate) fn up_to_30_days(args: &mut Args, key: &str) -> Option<u32> {
    within(args, key, 0..=30 * DAY, "write \"30m\", \"2h\" or \"1d\", from \"0s\" to \"30d\"")
}

fn within(args: &mut Args, key: &str, range: RangeInclusive<u32>, example: &str) -> Option<u32> {
    let text = args.string(key)?;
    let span = span::parse_short(&text.value());
    let seconds = span.and_then(|span| u32::try_from(span.as_secs()).ok()).filter(|seconds| range.contains(seconds));
    if seconds.is_none() {
        let message = format!("`{}` is not a duration for `{key}`: {example}", text.value());
        args.errors.push_at(text.span(), message);
    }
    seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_is_read_with_its_unit_and_within_its_range() {
        let cases = [
            ("90s", Some(90), Some(90)),
            ("2m", Some(120), Some(120)),
            (" 12 h ", Some(43_200), Some(43_200)),
            ("7d", Some(604_800), Some(604_800)),
            ("1w", Some(604_800), Some(604_800)),
            ("30d", Some(2_592_000), Some(2_592_000)),
            ("31d", Some(2_678_400), None),
            ("366d", Some(31_622_400), None),
            ("367d", None, None),
            ("99999999999s", None, None),
            ("4000000000m", None, None),
            ("0s", None, Some(0)),
            ("2", None, None),
            ("m", None, None),
            ("-2m", None, None),
            ("2 minutes", None, None),
        ];
        for (text, since, hold) in cases {
            let args = || Args::parse("`#[sync]`", &["key"], format!("key = {text:?}").parse().unwrap());
            assert_eq!(positive(&mut args(), "key"), since, "{text}");
            assert_eq!(up_to_30_days(&mut args(), "key"), hold, "{text}");
        }
    }
}
