//! What a check of a database found.
//!
//! A check reads in snapshots and mends in small transactions, each of which looks again before it writes, so readers and
//! runs go on meanwhile. It never makes up content: what it mends follows from what is stored (a count, a mark), or is
//! something that nothing refers to any more. The rest is left, with what a person can do.
//!
//! A sealed payload is opened before it is looked at. Where its key is not held, nothing is known of it: it is counted, and
//! not called damaged.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use super::{
    DatasetKey, KeyId, StoreError,
    encryption::{DatasetSeal, SEAL_OVERHEAD, Vault},
    hash::Hash,
};

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Problem {
    /// The database's own structure is damaged. Nothing else is looked at then.
    File,
    /// The live records or bytes of a dataset are not those of a recount.
    Counts,
    /// A dataset's sequence or stamp lies behind that of one of its records.
    DatasetBehind,
    /// Two records of a dataset have one sequence.
    DuplicateSequence,
    /// A record has an earlier stamp than one before it in the feed.
    TimestampRegression,
    /// Two rows have one id.
    DuplicateId,
    /// A record that no look-up by id finds.
    MissingKeyRow,
    /// An id that leads to no record.
    MissingPayloadRow,
    /// What is noted of a record (deleted, pruned, last action) contradicts its row.
    State,
    /// A payload that is not the one that was hashed.
    Hash,
    /// A payload that is not JSON.
    Payload,
    /// A sealed payload that does not open with its key: it was changed, or belongs to another record.
    Seal,
    /// Rows that belong to something that is gone.
    Orphans,
    /// A checkpoint, configuration or metadata that is not JSON.
    Unreadable,
}

impl Problem {
    /// The name in JSON.
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

    /// What a repair does; `None`: it would have to make something up.
    pub const fn repair(self) -> Option<&'static str> {
        Some(match self {
            Self::Counts => "counted again",
            Self::DatasetBehind => "raised to the latest of the records",
            Self::MissingKeyRow => "the record is found by its id again",
            Self::MissingPayloadRow => "taken out: the next save adds the record",
            Self::State => "taken from the record's row",
            Self::Hash => "the hash is dropped: the next save of the record compares and replaces the payload",
            Self::Orphans => "taken out",
            _ => return None,
        })
    }

    /// What a person can do about what is left.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::File => {
                "restore the last backup (`registry database backup`); feeds refuse cursors that are ahead of it"
            }
            Self::DuplicateSequence | Self::TimestampRegression => {
                "a reader may have stepped over a change: empty the dataset (`registry database empty`), run the sync, and \
                 let readers start without a cursor"
            }
            Self::DuplicateId => "empty the dataset (`registry database empty`) and run the sync",
            Self::Payload | Self::Seal => {
                "run the sync with --reset: the record is saved anew, once `--repair` has dropped its hash. Or take it out \
                 with `registry database erase`"
            }
            Self::Unreadable => {
                "a checkpoint: run the sync with --reset. A connection: add it again (`registry connection add`)"
            }
            _ => "`registry database check --repair`",
        }
    }
}

/// Something that is wrong in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub problem: Problem,
    /// Where: a dataset, or what kind of rows.
    pub location: String,
    /// How many rows.
    pub count: u64,
    /// How many of them are mended.
    pub repaired: u64,
    /// One of them, or the figures.
    pub example: String,
}

/// What a check looked at, and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckReport {
    /// Datasets.
    pub datasets: u64,
    /// Records, tombstones included.
    pub records: u64,
    /// Bytes of their payloads, as if they were plain.
    pub bytes: u64,
    /// Payloads that were not looked into, because their key is not held: how many, by key.
    pub undecrypted: BTreeMap<KeyId, u64>,
    /// What is wrong, in the order in which it was found.
    pub findings: Vec<Finding>,
}

impl CheckReport {
    /// Whether nothing is wrong any more.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.repaired == finding.count)
    }

    /// Notes one more row, together with the others of its problem and place.
    pub(super) fn add_finding(
        &mut self,
        problem: Problem,
        place: &str,
        count: u64,
        repaired: u64,
        example: impl Into<String>,
    ) {
        if count == 0 {
            return;
        }
        let known = self.findings.iter_mut().find(|known| known.problem == problem && known.location == place);
        if let Some(known) = known {
            known.count += count;
            known.repaired += repaired;
        } else {
            let place = place.to_owned();
            self.findings.push(Finding { problem, location: place, count, repaired, example: example.into() });
        }
    }
}

/// A dataset that is being checked.
#[derive(Debug, Clone)]
pub(super) struct DatasetRef {
    /// Its number.
    pub id: i64,
    /// Its names.
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

/// A dataset as its row says, or as its records say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DatasetTotals {
    /// Live records.
    pub live: i64,
    /// Bytes of their payloads, as if they were plain.
    pub bytes: i64,
    /// The latest sequence.
    pub seq: i64,
    /// The latest stamp.
    pub committed_at: i64,
}

impl DatasetTotals {
    /// Whether a row that says this is right about records that say `counted`.
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
    /// Notes in what a dataset's row contradicts its records.
    pub(super) fn add_total_findings(
        &mut self,
        place: &str,
        noted: &DatasetTotals,
        counted: &DatasetTotals,
        repaired: u64,
    ) {
        if noted.counts_differ(counted) {
            let example = format!(
                "noted {} live with {} bytes, counted {} with {}",
                noted.live, noted.bytes, counted.live, counted.bytes
            );
            self.add_finding(Problem::Counts, place, 1, repaired, example);
        }
        if noted.is_behind(counted) {
            let example = format!(
                "noted sequence {} and stamp {}, its records go up to {} and {}",
                noted.seq, noted.committed_at, counted.seq, counted.committed_at
            );
            self.add_finding(Problem::DatasetBehind, place, 1, repaired, example);
        }
    }

    /// Counts records that were walked over.
    pub(super) fn add_pass(&mut self, walked: &PassCounts) {
        self.records += walked.records;
        self.bytes += walked.bytes;
        for (key, count) in &walked.undecrypted {
            *self.undecrypted.entry(*key).or_default() += count;
        }
    }
}

/// What a walk over some records counted.
#[derive(Debug, Default)]
pub(super) struct PassCounts {
    /// Records.
    pub records: u64,
    /// Bytes of their payloads, as if they were plain.
    pub bytes: u64,
    /// Payloads that were not looked into, by key.
    pub undecrypted: BTreeMap<KeyId, u64>,
}

/// A payload as it lies in the database.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredPayload<'a> {
    /// The record.
    pub id: &'a str,
    /// Its bytes, sealed or not.
    pub payload: &'a [u8],
    /// The stored id of the key; 0: it is not sealed.
    pub key: i32,
    /// The stored hash and its version, if its key row was found.
    pub hash: Option<(i64, Hash)>,
}

impl PassCounts {
    /// Looks into a payload: what is wrong with it.
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
        // A hash of a kind that is not known here says nothing.
        let hasher = &vault.latest_policy().hasher;
        let taken = hash.and_then(|(version, stored)| Some((hasher.hash_record_as(version, &plain)?, stored)));
        Ok(taken.filter(|(taken, stored)| taken != stored).map(|_| Problem::Hash))
    }
}
