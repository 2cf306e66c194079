//! Stored rows in a recording: one JSON object per row, with a value for each column.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{format::Rows, mask::Masker};
use crate::{
    redact::Redactor,
    store::{Cell, Chunk, PLAIN_TABLES},
};

/// Returns the form of rows, without secrets.
pub(super) fn to_rows(chunk: &Chunk, masker: &Masker) -> Rows {
    let columns = chunk.table.columns();
    let row = |cells: &Vec<Cell>| {
        let values =
            columns.iter().zip(cells).filter_map(|(name, cell)| Some(((*name).to_owned(), value(cell, masker)?)));
        values.collect::<BTreeMap<_, _>>()
    };
    Rows { table: chunk.table.name().to_owned(), rows: chunk.rows.iter().map(row).collect() }
}

fn value(cell: &Cell, masker: &Masker) -> Option<Value> {
    let without_secrets = |bytes: &[u8]| masker.bytes(bytes, &Redactor::default()).into_owned();
    Some(match cell {
        Cell::Null => return None,
        Cell::Int(number) => json!(number),
        Cell::Text(text) => json!(String::from_utf8_lossy(&without_secrets(text.as_bytes()))),
        Cell::Bytes(bytes) => match String::from_utf8(without_secrets(bytes)) {
            Ok(text) => json!({ "utf8": text }),
            Err(error) => json!({ "base64": STANDARD.encode(error.as_bytes()) }),
        },
    })
}

/// Reads rows. A column of a later version is ignored, and a missing one has no value.
///
/// # Errors
///
/// Fails with a description if the table is unknown or a value has another form.
pub(super) fn from_rows(rows: &Rows) -> Result<Chunk, String> {
    let table = PLAIN_TABLES.into_iter().find(|table| table.name() == rows.table);
    let table = table.ok_or_else(|| format!("unknown table `{}`", rows.table))?;
    let read = |row: &BTreeMap<String, Value>| {
        let cells = table.columns().iter().map(|column| match row.get(*column) {
            None => Ok(Cell::Null),
            Some(value) => cell(value).ok_or_else(|| format!("the value of `{column}` is not one of a row")),
        });
        cells.collect::<Result<Vec<_>, _>>()
    };
    Ok(Chunk { table, rows: rows.rows.iter().map(read).collect::<Result<_, _>>()? })
}

fn cell(value: &Value) -> Option<Cell> {
    Some(match value {
        Value::Number(number) => Cell::Int(number.as_i64()?),
        Value::String(text) => Cell::Text(text.clone()),
        Value::Object(object) => match (object.get("utf8"), object.get("base64")) {
            (Some(Value::String(text)), None) => Cell::Bytes(text.clone().into_bytes()),
            (None, Some(Value::String(encoded))) => Cell::Bytes(STANDARD.decode(encoded).ok()?),
            _ => return None,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Table;

    #[test]
    fn rows_are_the_same_after_recording_except_for_secrets() {
        let columns = Table::ResumeStates.columns().len();
        let row = |bytes: &[u8]| {
            let mut cells = vec![Cell::Int(1), Cell::Bytes(bytes.to_vec())];
            cells.resize(columns, Cell::Null);
            cells
        };
        let masker = Masker::default();
        masker.add("the-secret");
        let chunk = Chunk { table: Table::ResumeStates, rows: vec![row(b"{\"a\":1}"), row(b"\xff\x00")] };
        let text = serde_json::to_string(&to_rows(&chunk, &masker)).unwrap();
        assert!(text.contains(r#"{"utf8":"{\"a\":1}"}"#), "{text}");
        assert!(from_rows(&serde_json::from_str(&text).unwrap()).unwrap() == chunk);
        let secret = Chunk { table: Table::ResumeStates, rows: vec![row(b"{\"link\":\"the-secret\"}")] };
        assert!(!serde_json::to_string(&to_rows(&secret, &masker)).unwrap().contains("the-secret"));
    }

    #[test]
    fn unknown_table_and_value_are_described() {
        let rows = |table: &str, value: Value| Rows {
            table: table.to_owned(),
            rows: vec![BTreeMap::from([("function".to_owned(), value)])],
        };
        assert_eq!(from_rows(&rows("things", json!(1))).unwrap_err(), "unknown table `things`");
        let error = from_rows(&rows(Table::Checkpoints.name(), json!([]))).unwrap_err();
        assert_eq!(error, "the value of `function` is not one of a row");
    }
}
