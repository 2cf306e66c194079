//! JSON of records: the stored bytes, with the id as text and `_nango_metadata` appended.
//!
//! A record is read far more often than it is written, and `/records` returns thousands at once, so this copies bytes.
//! In a payload it searches only for the field `id` of the record itself: on the wire an id is always text, even if the
//! ids of a model are integers.

use std::ops::Range;

use bytes::Bytes;

use super::time::write_micros;
use crate::{
    store::{FeedPage, FeedRow},
    time::Timestamp,
};

/// Length of `_nango_metadata` with its longest values, and of an id that the payload does not have.
const METADATA_BYTES: usize = 320;

/// Appends `{ …fields, "_nango_metadata": … }`.
///
/// The fields are written as they are stored. `id` is the external id as text, at the position of the `id` of the
/// payload if it has one, else first. A pruned record has only these two fields.
pub(crate) fn write_record(row: &FeedRow, out: &mut Vec<u8>) {
    let payload = row.payload.as_deref().unwrap_or(b"{}");
    // A payload that is not an object means a damaged store: it has no fields, and the id identifies the record.
    let payload = if payload.starts_with(b"{") && payload.ends_with(b"}") { payload } else { b"{}" };
    out.reserve(payload.len() + METADATA_BYTES);
    let body = &payload[..payload.len() - 1];
    if let Some(id) = find_id_value(payload) {
        out.extend_from_slice(&body[..id.start]);
        write_string(&row.id, out);
        out.extend_from_slice(&body[id.end..]);
    } else {
        out.extend_from_slice(b"{\"id\":");
        write_string(&row.id, out);
        if body.len() > 1 {
            out.push(b',');
            out.extend_from_slice(&body[1..]);
        }
    }
    out.extend_from_slice(b",\"_nango_metadata\":{\"first_seen_at\":");
    write_time(Some(row.first_seen_at), out);
    out.extend_from_slice(b",\"last_modified_at\":");
    write_time(Some(row.last_modified_at), out);
    out.extend_from_slice(b",\"last_action\":");
    write_string(row.last_action.name(), out);
    out.extend_from_slice(b",\"deleted_at\":");
    write_time(row.deleted_at, out);
    out.extend_from_slice(b",\"pruned_at\":");
    write_time(row.pruned_at, out);
    out.extend_from_slice(b",\"cursor\":");
    write_string(&row.cursor, out);
    out.extend_from_slice(b"}}");
}

/// Appends a page of the feed: `{ "records": [ … ], "next_cursor": "…" | null }`.
pub fn write_page(page: &FeedPage, out: &mut Vec<u8>) {
    // Reserved at once: a large page would be copied each time that the buffer grows.
    let payloads: usize = page.records.iter().filter_map(|row| row.payload.as_ref()).map(Bytes::len).sum();
    out.reserve(payloads + (page.records.len() + 1) * METADATA_BYTES);
    let mut written = PageWriter::default();
    written.rows(&page.records, out);
    written.end(page.next_cursor.as_deref(), out);
}

/// Writes the document of [`write_page`] in parts, for a page that is too large for memory: any number of calls of
/// [`rows`](Self::rows), then one of [`end`](Self::end).
#[derive(Debug, Default)]
pub(crate) struct PageWriter {
    opened: bool,
    /// Whether a record has been written, so that the next one follows a comma.
    has_records: bool,
}

impl PageWriter {
    /// Appends records; the first call also opens the document.
    pub(crate) fn rows(&mut self, rows: &[FeedRow], out: &mut Vec<u8>) {
        self.open(out);
        for row in rows {
            if std::mem::replace(&mut self.has_records, true) {
                out.push(b',');
            }
            write_record(row, out);
        }
    }

    /// Closes the document, with the cursor of the next page if there is one.
    pub(crate) fn end(mut self, next_cursor: Option<&str>, out: &mut Vec<u8>) {
        self.open(out);
        out.extend_from_slice(b"],\"next_cursor\":");
        match next_cursor {
            Some(cursor) => write_string(cursor, out),
            None => out.extend_from_slice(b"null"),
        }
        out.push(b'}');
    }

    fn open(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.opened, true) {
            out.extend_from_slice(b"{\"records\":[");
        }
    }
}

fn write_time(at: Option<Timestamp>, out: &mut Vec<u8>) {
    match at {
        Some(at) => write_micros(at, out),
        None => out.extend_from_slice(b"null"),
    }
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    // Writing a string to a vector cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Returns the range of the value of the object's own `id`.
///
/// `object` is compact JSON from a serializer, as the cache stores it, so quotes and braces are balanced. Returns
/// `None` for anything else.
fn find_id_value(object: &[u8]) -> Option<Range<usize>> {
    let mut at = 1;
    loop {
        let key_end = value_end(object, at)?;
        if object.get(key_end) != Some(&b':') {
            return None;
        }
        let value_end = value_end(object, key_end + 1)?;
        if &object[at..key_end] == b"\"id\"" {
            return Some(key_end + 1..value_end);
        }
        if object.get(value_end) != Some(&b',') {
            return None;
        }
        at = value_end + 1;
    }
}

/// Returns the position after the value that begins at `start`.
fn value_end(json: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => {
                at = string_end(json, at + 1)?;
                if depth == 0 {
                    return Some(at);
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return (at > start).then_some(at),
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b',' | b':' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Returns the position after the closing quote.
fn string_end(json: &[u8], mut position: usize) -> Option<usize> {
    loop {
        match json.get(position)? {
            b'"' => return Some(position + 1),
            b'\\' => position += 2,
            _ => position += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::store::LastAction;

    fn row(id: &str, payload: Option<&str>) -> FeedRow {
        FeedRow {
            id: id.to_owned(),
            payload: payload.map(|payload| Bytes::copy_from_slice(payload.as_bytes())),
            first_seen_at: Timestamp::from_micros(1_795_348_800_000_000),
            last_modified_at: Timestamp::from_micros(1_795_348_800_000_001),
            deleted_at: None,
            pruned_at: None,
            last_action: LastAction::Updated,
            cursor: "c1".to_owned(),
        }
    }

    const METADATA: &str = concat!(
        r#""_nango_metadata":{"first_seen_at":"2026-11-22T12:00:00.000000+00:00","#,
        r#""last_modified_at":"2026-11-22T12:00:00.000001+00:00","#,
        r#""last_action":"UPDATED","deleted_at":null,"pruned_at":null,"cursor":"c1"}}"#
    );

    #[track_caller]
    fn check(id: &str, payload: Option<&str>, expect: &str) {
        let mut out = Vec::new();
        write_record(&row(id, payload), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{expect},{METADATA}"));
    }

    #[test]
    fn id_becomes_text_at_its_position() {
        check("7", Some(r#"{"id":7,"title":"a"}"#), r#"{"id":"7","title":"a""#);
        check("7", Some(r#"{"title":"a","id":7}"#), r#"{"title":"a","id":"7""#);
        check("a\"b", Some(r#"{"id":"a\"b"}"#), r#"{"id":"a\"b""#);
        check(
            "9",
            Some(r#"{"o":{"id":1,"x":"}\""},"l":[{"id":2}],"id":18446744073709551615}"#),
            r#"{"o":{"id":1,"x":"}\""},"l":[{"id":2}],"id":"9""#,
        );
    }

    #[test]
    fn missing_id_is_inserted_first() {
        check("n1", Some(r#"{"number":"n1","user":{"id":3}}"#), r#"{"id":"n1","number":"n1","user":{"id":3}"#);
        check("n1", Some("{}"), r#"{"id":"n1""#);
        check("n1", None, r#"{"id":"n1""#);
        check("n1", Some("[1]"), r#"{"id":"n1""#);
    }

    #[test]
    fn page_has_records_and_next_cursor() {
        let mut out = Vec::new();
        write_page(
            &FeedPage { records: vec![row("1", None), row("2", None)], next_cursor: Some("c2".into()) },
            &mut out,
        );
        let page: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(page["records"][1]["id"], "2");
        assert_eq!(page["next_cursor"], "c2");
        out.clear();
        write_page(&FeedPage::default(), &mut out);
        assert_eq!(out, br#"{"records":[],"next_cursor":null}"#);
    }

    #[test]
    fn page_written_in_parts_equals_whole_page() {
        let page = FeedPage { records: ["1", "2", "3"].map(|id| row(id, None)).into(), next_cursor: None };
        let mut whole = Vec::new();
        write_page(&page, &mut whole);
        let (mut parts, mut writer) = (Vec::new(), PageWriter::default());
        for rows in [&page.records[..1], &[], &page.records[1..]] {
            writer.rows(rows, &mut parts);
        }
        writer.end(None, &mut parts);
        assert_eq!(parts, whole);
    }

    #[test]
    fn deleted_record_has_deletion_time() {
        let mut out = Vec::new();
        let deleted =
            FeedRow { deleted_at: Some(Timestamp::UNIX_EPOCH), last_action: LastAction::Deleted, ..row("1", None) };
        write_record(&deleted, &mut out);
        let record: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(record["_nango_metadata"]["deleted_at"], "1970-01-01T00:00:00.000000+00:00");
        assert_eq!(record["_nango_metadata"]["last_action"], "DELETED");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("id|[a-z\"\\\\{}]{0,3}", inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn record_fields_are_unchanged(
            fields in prop::collection::vec(("id|[a-z\"\\\\{}:,]{0,4}", any_json()), 0..5),
            id in "\\PC{1,8}",
        ) {
            let stored: Map<String, Value> = fields.into_iter().collect();
            let payload = serde_json::to_string(&stored).unwrap();
            let mut out = Vec::new();
            write_record(&row(&id, Some(&payload)), &mut out);
            let mut read: Map<String, Value> = serde_json::from_slice(&out).unwrap();
            prop_assert!(read.remove("_nango_metadata").is_some());
            let mut expect = stored;
            expect.insert("id".to_owned(), json!(id));
            prop_assert_eq!(read, expect);
        }
    }
}
