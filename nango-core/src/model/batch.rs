//! Records on their way to the cache: ids and canonical bytes in one buffer.
//!
//! A page is written once, here; the store hashes and stores these bytes and never looks into them.

use super::{
    Record,
    canonical::{self, CanonicalError},
    id::{IdError, check_id},
};

/// The records of one model in one page, in the order in which they were saved.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    id: Box<str>,
    end: usize,
    updated: Option<i64>,
}

/// One record of a [`Batch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchItem<'a> {
    /// The written id.
    pub id: &'a str,
    /// The canonical JSON.
    pub payload: &'a [u8],
    /// When it was last updated at the provider, microseconds since 1970; `None` if its model does not say, or the value
    /// cannot be read.
    pub updated: Option<i64>,
}

/// Why a record cannot be saved.
#[derive(Debug, thiserror::Error)]
#[error("record {position} of `{model}` cannot be saved: {fault}")]
pub struct RecordError {
    /// The model's name.
    pub model: String,
    /// Its place in the page, counted from 1.
    pub position: usize,
    /// What is wrong with it.
    pub fault: RecordFault,
}

/// What is wrong with a record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordFault {
    /// Its id.
    #[error(transparent)]
    Id(#[from] IdError),
    /// A value that JSON cannot hold.
    #[error(transparent)]
    Value(#[from] CanonicalError),
}

impl Batch {
    /// Appends a record; a record that cannot be written leaves the batch as it was.
    pub fn push<M: Record>(&mut self, record: &M) -> Result<(), RecordError> {
        let start = self.bytes.len();
        let id = record.id().to_string();
        let written = check_id(&id)
            .map_err(RecordFault::from)
            .and_then(|()| canonical::write(record, &mut self.bytes).map_err(RecordFault::from));
        match written {
            Ok(()) => {
                let (id, updated) = (id.into_boxed_str(), record.updated_micros());
                self.rows.push(Row { id, end: self.bytes.len(), updated });
                Ok(())
            }
            Err(fault) => {
                self.bytes.truncate(start);
                Err(RecordError { model: M::NAME.to_owned(), position: self.rows.len() + 1, fault })
            }
        }
    }

    /// The records in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = BatchItem<'_>> {
        let mut start = 0;
        self.rows.iter().map(move |row| {
            let payload = &self.bytes[start..row.end];
            start = row.end;
            BatchItem { id: &row.id, payload, updated: row.updated }
        })
    }

    /// The sizes of the payloads behind the first `from`, in bytes.
    pub(crate) fn sizes(&self, from: usize) -> impl Iterator<Item = usize> + '_ {
        let mut start = from.checked_sub(1).and_then(|before| self.rows.get(before)).map_or(0, |row| row.end);
        self.rows.iter().skip(from).map(move |row| {
            let size = row.end - start;
            start = row.end;
            size
        })
    }

    /// How many records it holds.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether a record of it has a time of update.
    pub(crate) fn has_times(&self) -> bool {
        self.rows.iter().any(|row| row.updated.is_some())
    }

    /// The size of all payloads, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Appends the records of another batch.
    pub fn append(&mut self, other: &Self) {
        let base = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.rows.extend(other.rows.iter().map(|row| Row { end: base + row.end, ..row.clone() }));
    }

    /// Drops every record after the first `len`: what a mapper wrote before it failed on the same raw record.
    pub fn truncate(&mut self, len: usize) {
        self.rows.truncate(len);
        self.bytes.truncate(self.rows.last().map_or(0, |row| row.end));
    }
}
