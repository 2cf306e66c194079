//! Tables, and the format of numbers and times in them.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::{redact::printable, time::Timestamp};

/// Creates a table with these headings. With a `width`, in characters, the cells are wrapped to fit it.
pub(crate) fn table(headings: &[&str], width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED.with_rounded_corners());
    table.set_header(headings.iter().copied());
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table
}

/// Creates a right-aligned cell with a number.
pub(crate) fn count(value: u64) -> Cell {
    Cell::new(number(value)).set_alignment(CellAlignment::Right)
}

/// Formats a number with thousands separators: `1,234,567`.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a number with a noun: `1 record`, `2 records`.
pub(crate) fn pluralized(value: u64, one: &str) -> String {
    let many = if value == 1 { "" } else { "s" };
    format!("{} {one}{many}", number(value))
}

/// Formats a time in UTC: `2026-11-22 12:00:00`.
pub(crate) fn utc_time(at: Timestamp) -> String {
    at.to_calendar().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Truncates a text to one line of `max_chars` characters. Invisible characters and those that change the direction of
/// text are escaped.
pub(crate) fn truncated(text: &str, max_chars: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(max_chars + 1).collect();
    let mut line = printable(&line).into_owned();
    if line.chars().count() > max_chars {
        line = line.chars().take(max_chars.saturating_sub(1)).collect();
        line.push('…');
    }
    line
}

/// Formats a size in decimal units: `999 bytes`, `12.3 MB`.
pub(super) fn human_size(bytes: u64) -> String {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000)];
    match units.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", number(bytes / unit), bytes % unit / (unit / 10)),
        None => pluralized(bytes, "byte"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_times_and_texts_are_formatted() {
        assert_eq!(
            [0, 12, 123, 1_234, 123_456, 1_234_567].map(number),
            ["0", "12", "123", "1,234", "123,456", "1,234,567"]
        );
        assert_eq!(pluralized(1, "page"), "1 page");
        assert_eq!(pluralized(2_000, "page"), "2,000 pages");
        assert_eq!(utc_time(Timestamp::from_micros(1_795_348_800_999_999)), "2026-11-22 12:00:00");
        assert_eq!(truncated("a\nb", 10), "a b");
        assert_eq!(truncated("a\u{1b}[1m\u{202e}b", 20), "a [1m\\u{202e}b");
        assert_eq!(truncated("äbcdef", 4), "äbc…");
        assert_eq!(truncated("abcd", 4), "abcd");
    }

    #[test]
    fn table_fits_terminal_width() {
        let mut table = table(&["a", "b"], Some(30));
        table.add_row(["x".repeat(40), "y".repeat(40)]);
        assert!(table.to_string().lines().all(|line| line.chars().count() <= 30), "{table}");
    }

    #[test]
    fn sizes_are_formatted_with_unit() {
        let cases =
            [(1, "1 byte"), (999, "999 bytes"), (1_000, "1.0 KB"), (1_250_000, "1.2 MB"), (3_999_999_999, "3.9 GB")];
        for (bytes, expect) in cases {
            assert_eq!(human_size(bytes), expect);
        }
    }
}
