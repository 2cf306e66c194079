//! Table of records: one row per record, with as many of the first fields as fit the terminal.

use comfy_table::Table;
use serde_json::{Map, Value};

use super::table::{table, truncated, utc_time};
use crate::store::{FeedRow, LastAction};

/// Maximum number of fields that are shown; `--json` has all of them.
const MAX_COLUMNS: usize = 6;
/// Maximum number of characters of a value if stdout is not a terminal.
const MAX_CELL_CHARS: usize = 48;
/// Maximum number of characters of a value on a terminal.
const MAX_CELL_CHARS_IN_TERMINAL: usize = 32;
/// Width of a column's border and padding, in characters.
const COLUMN_OVERHEAD: usize = 3;
/// Width of the other columns: number of hidden fields, last action, time, and the right border.
const FIXED_WIDTH: usize = (3 + COLUMN_OVERHEAD) + (7 + COLUMN_OVERHEAD) + (19 + COLUMN_OVERHEAD) + 1;

/// Returns a table of records: id, first fields, last action and its time (UTC).
pub fn record_table(records: &[FeedRow], width: Option<u16>) -> Table {
    let max_chars = if width.is_some() { MAX_CELL_CHARS_IN_TERMINAL } else { MAX_CELL_CHARS };
    let parsed: Vec<Map<String, Value>> = records
        .iter()
        .map(|row| row.payload.as_deref().and_then(|json| serde_json::from_slice(json).ok()).unwrap_or_default())
        .collect();
    let ids = records.iter().map(|row| row.id.chars().count().min(max_chars)).max().unwrap_or(0);
    let available_width = width.map(|width| usize::from(width).saturating_sub(FIXED_WIDTH + ids + COLUMN_OVERHEAD));
    let (fields, hidden) = select_columns(&parsed, max_chars, available_width);
    let more = format!("+{hidden}");
    let headings = std::iter::once("id").chain(fields.iter().copied());
    let headings: Vec<&str> =
        headings.chain((hidden > 0).then_some(more.as_str())).chain(["last", "changed"]).collect();
    let mut rows = table(&headings, width);
    for (row, values) in records.iter().zip(&parsed) {
        let mut cells = vec![truncated(&row.id, max_chars)];
        cells.extend(
            fields.iter().map(|field| values.get(*field).map(|value| cell_text(value, max_chars)).unwrap_or_default()),
        );
        cells.extend((hidden > 0).then(|| "…".to_owned()));
        let last = match row.last_action {
            LastAction::Added => "added",
            LastAction::Updated => "updated",
            LastAction::Deleted => "deleted",
        };
        cells.push(last.to_owned());
        cells.push(utc_time(row.last_modified_at));
        rows.add_row(cells);
    }
    rows
}

/// Returns the fields that are shown, and the number of hidden ones.
fn select_columns(
    records: &[Map<String, Value>],
    max_chars: usize,
    available_width: Option<usize>,
) -> (Vec<&str>, usize) {
    let mut fields: Vec<&str> = Vec::new();
    for field in records.iter().flat_map(Map::keys).filter(|field| *field != "id") {
        if !fields.contains(&field.as_str()) {
            fields.push(field);
        }
    }
    let all = fields.len();
    // If not all fields fit, columns without a value are dropped first.
    if all > MAX_COLUMNS {
        fields.retain(|field| records.iter().any(|values| values.get(*field).is_some_and(|value| !value.is_null())));
    }
    // URLs are long and rarely of interest, so they are moved to the end.
    let is_address = |value: &Value| value.as_str().is_some_and(|text| text.starts_with("http"));
    fields.sort_by_key(|field| records.iter().any(|values| values.get(*field).is_some_and(is_address)));
    fields.truncate(MAX_COLUMNS);
    if let Some(mut available_width) = available_width {
        // The first field is always shown, because ids alone are not useful.
        let mut first = true;
        fields.retain(|field| {
            let values = records.iter().filter_map(|values| values.get(*field));
            let text = values.map(|value| cell_text(value, max_chars).chars().count()).max().unwrap_or(0);
            let needed = text.max(field.chars().count()) + COLUMN_OVERHEAD;
            let fits = std::mem::take(&mut first) || needed <= available_width;
            available_width = if fits { available_width.saturating_sub(needed) } else { available_width };
            fits
        });
    }
    let hidden = all - fields.len();
    (fields, hidden)
}

fn cell_text(value: &Value, max_chars: usize) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => truncated(text, max_chars),
        other => truncated(&other.to_string(), max_chars),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::time::Timestamp;

    pub(in crate::cli) fn row(id: &str, payload: &str) -> FeedRow {
        FeedRow {
            id: id.to_owned(),
            payload: Some(payload.to_owned().into()),
            first_seen_at: Timestamp::UNIX_EPOCH,
            last_modified_at: Timestamp::from_micros(1_795_348_800_000_000),
            deleted_at: None,
            pruned_at: None,
            last_action: LastAction::Added,
            cursor: "c".to_owned(),
        }
    }

    #[track_caller]
    fn check(payload: &str, width: Option<u16>, headings: &[&str], cells: &[&str]) {
        let text = record_table(&[row("1", payload)], width).to_string();
        let line = |number: usize| -> Vec<&str> {
            let line = text.lines().nth(number).unwrap_or_default();
            line.split(['│', '┆']).map(str::trim).filter(|cell| !cell.is_empty()).collect()
        };
        assert_eq!((line(1).as_slice(), line(3).as_slice()), (headings, cells), "{text}");
    }

    #[test]
    fn table_shows_id_and_first_fields() {
        let changed = "2026-11-22 12:00:00";
        check(
            r#"{"id":1,"title":"a","n":null,"o":{"x":1}}"#,
            None,
            &["id", "title", "n", "o", "last", "changed"],
            &["1", "a", r#"{"x":1}"#, "added", changed],
        );
        check(
            r#"{"a":1,"none":null,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7}"#,
            None,
            &["id", "a", "b", "c", "d", "e", "f", "+2", "last", "changed"],
            &["1", "1", "2", "3", "4", "5", "6", "…", "added", changed],
        );
    }

    #[test]
    fn narrow_terminal_shows_only_fitting_columns() {
        let payload = r#"{"url":"https://example.com/x","title":"short","body":"a text that is much longer than all the others","state":"open"}"#;
        check(
            payload,
            Some(80),
            &["id", "title", "state", "+2", "last", "changed"],
            &["1", "short", "open", "…", "added", "2026-11-22 12:00:00"],
        );
    }
}
