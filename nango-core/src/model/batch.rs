//! Batch of records: ids and canonical bytes in one buffer.
//!
//! The records of a page are serialized once, here; the store hashes and stores these bytes without parsing them.

use std::collections::HashSet;

use super::{
    Record,
    canonical::{self, CanonicalError},
    id::{IdError, check_id},
};
use crate::{
    error::{Error, ErrorKind, register_layer_error},
    time::Timestamp,
};

/// Records of one model in one page, in the order in which they were saved.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    id: Box<str>,
    end: usize,
    updated: Option<Timestamp>,
}

/// One record of a [`Batch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchItem<'a> {
    /// Id as text.
    pub id: &'a str,
    /// Canonical JSON of the record.
    pub payload: &'a [u8],
    /// Time of the last update at the provider; `None` if the model declares no such field, or its value cannot be
    /// read.
    pub updated: Option<Timestamp>,
}

/// Error for a record that cannot be saved.
#[derive(Debug, thiserror::Error)]
#[error("record {position} of `{model}` cannot be saved")]
pub struct RecordError {
    /// Name of the model.
    pub model: String,
    /// Position in the page, counted from 1.
    pub position: usize,
    /// Reason why the record cannot be saved.
    #[source]
    pub fault: RecordFault,
}

register_layer_error!(RecordError);

impl RecordError {
    /// Converts this into the error that functions receive.
    pub(crate) fn into_error(self) -> Error {
        Error::new(ErrorKind::Record, self)
    }
}

/// Reason why a record cannot be saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordFault {
    /// The id is invalid.
    #[error(transparent)]
    Id(#[from] IdError),
    /// A value cannot be represented in JSON.
    #[error(transparent)]
    Value(#[from] CanonicalError),
}

register_layer_error!(RecordFault);

impl RecordFault {
    /// Converts this into the error that functions receive.
    pub(crate) fn into_error(self) -> Error {
        Error::new(ErrorKind::Record, self)
    }
}

impl Batch {
    /// Appends a record. On an error, the batch is unchanged.
    pub fn push<M: Record>(&mut self, record: &M) -> Result<(), RecordError> {
        let start = self.bytes.len();
        let id = record.id().to_string();
        let written = check_id(&id)
            .map_err(RecordFault::from)
            .and_then(|()| canonical::write(record, &mut self.bytes).map_err(RecordFault::from));
        match written {
            Ok(()) => {
                let (id, updated) = (id.into_boxed_str(), record.updated_micros().map(Timestamp::from_micros));
                self.rows.push(Row { id, end: self.bytes.len(), updated });
                Ok(())
            }
            Err(fault) => {
                self.bytes.truncate(start);
                Err(RecordError { model: M::NAME.to_owned(), position: self.rows.len() + 1, fault })
            }
        }
    }

    /// Iterates over the records in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = BatchItem<'_>> {
        let mut start = 0;
        self.rows.iter().map(move |row| {
            let payload = &self.bytes[start..row.end];
            start = row.end;
            BatchItem { id: &row.id, payload, updated: row.updated }
        })
    }

    /// Iterates over the sizes of the payloads from index `from` on, in bytes.
    pub(crate) fn sizes(&self, from: usize) -> impl Iterator<Item = usize> + '_ {
        let mut start = from.checked_sub(1).and_then(|before| self.rows.get(before)).map_or(0, |row| row.end);
        self.rows.iter().skip(from).map(move |row| {
            let size = row.end - start;
            start = row.end;
            size
        })
    }

    /// Returns the number of records.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether the batch has no records.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns whether any record has an update time.
    pub(crate) fn has_times(&self) -> bool {
        self.rows.iter().any(|row| row.updated.is_some())
    }

    /// Returns the size of all payloads in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Appends the records of another batch.
    pub fn append(&mut self, other: &Self) {
        let base = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.rows.extend(other.rows.iter().map(|row| Row { end: base + row.end, ..row.clone() }));
    }

    /// Removes the records whose id occurs again later in the batch.
    pub(crate) fn keep_last(&mut self) {
        let mut last: HashSet<&str> = HashSet::with_capacity(self.rows.len());
        let is_last: Vec<bool> = self.rows.iter().rev().map(|row| last.insert(&row.id)).collect();
        if last.len() == self.rows.len() {
            return;
        }
        let (rows, bytes) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.bytes));
        let mut start = 0;
        for (row, is_last) in rows.into_iter().zip(is_last.into_iter().rev()) {
            let payload = start..row.end;
            start = row.end;
            if is_last {
                self.bytes.extend_from_slice(&bytes[payload]);
                self.rows.push(Row { end: self.bytes.len(), ..row });
            }
        }
    }

    /// Removes all records after the first `len`. Discards what a mapper added before it failed on the same raw record.
    pub fn truncate(&mut self, len: usize) {
        self.rows.truncate(len);
        self.bytes.truncate(self.rows.last().map_or(0, |row| row.end));
    }
}
