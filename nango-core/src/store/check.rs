//! Check report of a database: problems, their repair, and advice.
//!
//! A check reads in snapshots and repairs in small transactions, each of which reads again before it writes, so that
//! readers and runs continue meanwhile. A repair never invents content: it follows from stored data (a count, a flag),
//! or removes rows without an owner. Other problems are reported with advice.
//!
//! A sealed payload is decrypted before it is checked. If its key is missing, the payload is counted as undecrypted,
//! and not reported as damaged.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use super::{
    DatasetKey, KeyId, StoreError,
    encryption::{DatasetSeal, SEAL_OVERHEAD, Vault},
    hash::Hash,
};
use crate::{error::Remedy, time::Timestamp};

/// A type of problem that a check can find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Problem {
    /// The file structure of the database is damaged. Nothing else is checked in this case.
    File,
    /// The stored number of active records or bytes of a dataset differs from a recount.
    Counts,
    /// The latest sequence number or commit time of a dataset is behind that of one of its records.
    DatasetBehind,
    /// Two records of a dataset have the same sequence number.
    DuplicateSequence,
    /// A record has an earlier commit time than a record before it in the feed.
    TimestampRegression,
    /// Two rows have the same id.
    DuplicateId,
    /// A record without a key row cannot be found by its id.
    MissingKeyRow,
    /// A key row has no record.
    MissingPayloadRow,
    /// The flags of a record (deleted, pruned, last action) contradict its row.
    State,
    /// A payload does not match its hash.
    Hash,
    /// A payload is not JSON.
    Payload,
    /// A sealed payload cannot be decrypted with its key: it was modified, or belongs to another record.
    Seal,
    /// Rows belong to an owner that does not exist.
    Orphans,
    /// A checkpoint, configuration or metadata is not JSON.
    Unreadable,
}

impl Problem {
    /// Returns the stable name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Counts => "counts",
            Self::DatasetBehind => "behind",
            Self::DuplicateSequence => "sequence_twice",
            Self::TimestampRegression => "stamps_back",
            Self::DuplicateId => "id_twice",
            Self::MissingKeyRow => "no_key",
            Self::MissingPayloadRow => "no_record",
            Self::State => "state",
            Self::Hash => "hash",
            Self::Payload => "payload",
            Self::Seal => "seal",
            Self::Orphans => "orphans",
            Self::Unreadable => "unreadable",
        }
    }

    /// Returns the effect of a repair, or `None` if a repair would have to invent content.
    pub const fn repair(self) -> Option<&'static str> {
        Some(match self {
            Self::Counts => "recounted",
            Self::DatasetBehind => "raised to the latest values of the records",
            Self::MissingKeyRow => "the record can be found by its id again",
            Self::MissingPayloadRow => "removed: the next save adds the record",
            Self::State => "corrected from the record's row",
            Self::Hash => "hash removed: the next save of the record compares and replaces the payload",
            Self::Orphans => "removed",
            _ => return None,
        })
    }

    /// Returns the next step for a problem that a repair leaves.
    pub(crate) const fn remedy(self) -> Remedy {
        match self {
            Self::File => Remedy::RestoreBackup,
            Self::DuplicateSequence | Self::TimestampRegression => Remedy::EmptyDataset { readers_restart: true },
            Self::DuplicateId => Remedy::EmptyDataset { readers_restart: false },
            Self::Payload | Self::Seal => Remedy::SaveRecordAgain,
            Self::Unreadable => Remedy::ReplaceStoredValue,
            _ => Remedy::RepairDatabase,
        }
    }
}

/// A problem in one location, with the number of affected rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The type of the problem.
    pub problem: Problem,
    /// A dataset, or the kind of rows.
    pub location: String,
    /// The number of affected rows.
    pub count: u64,
    /// The number of repaired rows.
    pub repaired: u64,
    /// One of the rows, or the values that differ.
    pub example: String,
}

/// The report of a check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckReport {
    /// The number of datasets that were checked.
    pub datasets: u64,
    /// The number of records that were checked, tombstones included.
    pub records: u64,
    /// The size of their payloads in bytes, as plaintext.
    pub bytes: u64,
    /// The number of payloads that were not decrypted because their key is missing, by key.
    pub undecrypted: BTreeMap<KeyId, u64>,
    /// The problems in the order in which they were found.
    pub findings: Vec<Finding>,
}

impl CheckReport {
    /// Returns whether all problems are repaired.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.repaired == finding.count)
    }

    /// Adds rows with a problem; findings of the same problem and location are merged.
    pub(super) fn add_finding(
        &mut self,
        problem: Problem,
        location: &str,
        count: u64,
        repaired: u64,
        example: impl Into<String>,
    ) {
        if count == 0 {
            return;
        }
        let existing =
            self.findings.iter_mut().find(|finding| finding.problem == problem && finding.location == location);
        if let Some(existing) = existing {
            existing.count += count;
            existing.repaired += repaired;
        } else {
            let location = location.to_owned();
            self.findings.push(Finding { problem, location, count, repaired, example: example.into() });
        }
    }
}

/// A dataset that is being checked.
#[derive(Debug, Clone)]
pub(super) struct DatasetRef {
    /// The number of the dataset in the database.
    pub id: i64,
    /// The names of the dataset.
    pub key: DatasetKey,
}

impl std::fmt::Display for DatasetRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let DatasetKey { integration, connection, model, variant } = &self.key;
        write!(f, "{integration} {connection} {model}")?;
        if variant != super::BASE_VARIANT {
            write!(f, " ({variant})")?;
        }
        Ok(())
    }
}

/// Totals of a dataset, either as stored in its row or as recounted from its records.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DatasetTotals {
    /// The number of active records.
    pub live: i64,
    /// The size of their payloads in bytes, as plaintext.
    pub bytes: i64,
    /// The latest sequence number.
    pub seq: i64,
    /// The latest commit time.
    pub committed_at: Timestamp,
}

impl DatasetTotals {
    /// Returns whether a row with these totals is correct for the recounted totals.
    pub(super) fn matches(&self, counted: &Self) -> bool {
        !self.counts_differ(counted) && !self.is_behind(counted)
    }

    fn counts_differ(&self, counted: &Self) -> bool {
        (self.live, self.bytes) != (counted.live, counted.bytes)
    }

    fn is_behind(&self, counted: &Self) -> bool {
        self.seq < counted.seq || self.committed_at < counted.committed_at
    }
}

impl CheckReport {
    /// Adds findings for the differences between a dataset's row and its records.
    pub(super) fn add_total_findings(
        &mut self,
        location: &str,
        stored: &DatasetTotals,
        counted: &DatasetTotals,
        repaired: u64,
    ) {
        if stored.counts_differ(counted) {
            let example = format!(
                "stored {} active records with {} bytes, counted {} with {} bytes",
                stored.live, stored.bytes, counted.live, counted.bytes
            );
            self.add_finding(Problem::Counts, location, 1, repaired, example);
        }
        if stored.is_behind(counted) {
            let example = format!(
                "stored sequence number {} and commit time {}, its records reach {} and {}",
                stored.seq,
                stored.committed_at.as_micros(),
                counted.seq,
                counted.committed_at.as_micros()
            );
            self.add_finding(Problem::DatasetBehind, location, 1, repaired, example);
        }
    }

    /// Adds the counts of one pass over records.
    pub(super) fn add_pass(&mut self, counts: &PassCounts) {
        self.records += counts.records;
        self.bytes += counts.bytes;
        for (key, count) in &counts.undecrypted {
            *self.undecrypted.entry(*key).or_default() += count;
        }
    }
}

/// The counts of one pass over records.
#[derive(Debug, Default)]
pub(super) struct PassCounts {
    /// The number of records.
    pub records: u64,
    /// The size of their payloads in bytes, as plaintext.
    pub bytes: u64,
    /// The number of payloads that were not decrypted, by key.
    pub undecrypted: BTreeMap<KeyId, u64>,
}

/// A payload as it is stored in the database.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredPayload<'a> {
    /// The record's id.
    pub id: &'a str,
    /// The stored bytes, sealed or not.
    pub payload: &'a [u8],
    /// The stored id of the key; 0 if the payload is not sealed.
    pub key: i32,
    /// The stored hash and its version, if its key row was found.
    pub hash: Option<(i64, Hash)>,
}

impl PassCounts {
    /// Checks a payload and returns its problem, if any.
    pub(super) fn inspect(
        &mut self,
        vault: &Vault,
        seal: &DatasetSeal,
        stored: StoredPayload<'_>,
    ) -> Result<Option<Problem>, StoreError> {
        let StoredPayload { id, payload, key, hash } = stored;
        self.bytes += payload.len().saturating_sub(if key == 0 { 0 } else { SEAL_OVERHEAD }) as u64;
        let plain = match seal.open(id, payload, key) {
            Ok(plain) => plain,
            Err(StoreError::NoKey { needed, .. }) => {
                *self.undecrypted.entry(needed).or_default() += 1;
                return Ok(None);
            }
            Err(StoreError::DecryptFailed { .. }) => return Ok(Some(Problem::Seal)),
            Err(error) => return Err(error),
        };
        if serde_json::from_slice::<IgnoredAny>(&plain).is_err() {
            return Ok(Some(Problem::Payload));
        }
        // A hash of an unknown version cannot be checked.
        let hasher = &vault.latest_policy().hasher;
        let compared = hash.and_then(|(version, stored)| Some((hasher.hash_record_as(version, &plain)?, stored)));
        Ok(compared.filter(|(computed, stored)| computed != stored).map(|_| Problem::Hash))
    }
}
