//! Access to the values of an exported row by the names of its columns.

use super::transfer::{Cell, Table};

/// Returns the value of a column.
pub(super) fn get<'a>(table: Table, row: &'a [Cell], column: &str) -> Option<&'a Cell> {
    table.columns().iter().position(|name| *name == column).and_then(|at| row.get(at))
}

/// Replaces the value of a column.
pub(super) fn set(table: Table, row: &mut [Cell], column: &str, cell: Cell) {
    let at = table.columns().iter().position(|name| *name == column);
    if let Some(place) = at.and_then(|at| row.get_mut(at)) {
        *place = cell;
    }
}

/// Returns the value of a column of integers.
pub(super) fn int(table: Table, row: &[Cell], column: &str) -> Option<i64> {
    match get(table, row, column) {
        Some(Cell::Int(value)) => Some(*value),
        _ => None,
    }
}

/// Returns the value of a column of texts.
pub(super) fn text<'a>(table: Table, row: &'a [Cell], column: &str) -> Option<&'a str> {
    match get(table, row, column) {
        Some(Cell::Text(text)) => Some(text),
        _ => None,
    }
}
