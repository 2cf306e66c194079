//! What a check of a database found.
//!
//! A check reads in snapshots and mends in small transactions, each of which looks again before it writes, so readers and
//! runs go on meanwhile. It never makes up content: what it mends follows from what is stored (a count, a mark), or is
//! something that nothing refers to any more. The rest is left, with what a person can do.

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Problem {
    /// The database's own structure is damaged. Nothing else is looked at then.
    File,
    /// The live records or bytes of a dataset are not those of a recount.
    Counts,
    /// A dataset's sequence or stamp lies behind that of one of its records.
    Behind,
    /// Two records of a dataset have one sequence.
    SequenceTwice,
    /// A record has an earlier stamp than one before it in the feed.
    StampsBack,
    /// Two rows have one id.
    IdTwice,
    /// A record that no look-up by id finds.
    NoKey,
    /// An id that leads to no record.
    NoRecord,
    /// What is noted of a record (deleted, pruned, last action) contradicts its row.
    State,
    /// A payload that is not the one that was hashed.
    Hash,
    /// A payload that is not JSON.
    Payload,
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
            Self::Behind => "behind",
            Self::SequenceTwice => "sequence_twice",
            Self::StampsBack => "stamps_back",
            Self::IdTwice => "id_twice",
            Self::NoKey => "no_key",
            Self::NoRecord => "no_record",
            Self::State => "state",
            Self::Hash => "hash",
            Self::Payload => "payload",
            Self::Orphans => "orphans",
            Self::Unreadable => "unreadable",
        }
    }

    /// What a repair does; `None`: it would have to make something up.
    pub const fn repair(self) -> Option<&'static str> {
        Some(match self {
            Self::Counts => "counted again",
            Self::Behind => "raised to the latest of the records",
            Self::NoKey => "the record is found by its id again",
            Self::NoRecord => "taken out: the next save adds the record",
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
            Self::SequenceTwice | Self::StampsBack => {
                "a reader may have stepped over a change: empty the dataset (`registry database empty`), run the sync, and \
                 let readers start without a cursor"
            }
            Self::IdTwice => "empty the dataset (`registry database empty`) and run the sync",
            Self::Payload => {
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
    pub place: String,
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
    /// Bytes of their payloads.
    pub bytes: u64,
    /// What is wrong, in the order in which it was found.
    pub findings: Vec<Finding>,
}

impl CheckReport {
    /// Whether nothing is wrong any more.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.repaired == finding.count)
    }

    /// Notes one more row, together with the others of its problem and place.
    pub(super) fn note(
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
        let known = self.findings.iter_mut().find(|known| known.problem == problem && known.place == place);
        if let Some(known) = known {
            known.count += count;
            known.repaired += repaired;
        } else {
            let place = place.to_owned();
            self.findings.push(Finding { problem, place, count, repaired, example: example.into() });
        }
    }
}
