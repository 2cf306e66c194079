//! Sources of the facts of an entry: the `facts` key.

use jiff::civil::Date;

/// Sources of the facts of an entry, as stated by the entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Facts {
    /// Machine-readable description that a test compares with the entry, such as `npm:@octokit/openapi`.
    pub described_by: Option<String>,
    /// Day on which public sources of the entry were last read.
    pub read_on: Option<Date>,
    /// Paths of keys that no public source confirmed.
    pub unconfirmed: Vec<String>,
}

/// Evidence for the facts of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// A test compares the entry with a machine-readable description.
    MachineChecked,
    /// Public sources were read.
    SourceRead,
    /// No source is stated.
    Unconfirmed,
}

impl Evidence {
    /// Returns the stable name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::MachineChecked => "machine_checked",
            Self::SourceRead => "source_read",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

impl Facts {
    /// Returns the strongest evidence that the entry states.
    pub fn evidence(&self) -> Evidence {
        match (&self.described_by, self.read_on) {
            (Some(_), _) => Evidence::MachineChecked,
            (None, Some(_)) => Evidence::SourceRead,
            (None, None) => Evidence::Unconfirmed,
        }
    }
}

/// Number of entries with each [`Evidence`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FactCounts {
    /// Entries that a test compares with a machine-readable description.
    pub machine_checked: usize,
    /// Entries whose public sources were read.
    pub source_read: usize,
    /// Entries without a stated source.
    pub unconfirmed: usize,
    /// Keys in all entries that no public source confirmed.
    pub keys_unconfirmed: usize,
}

impl FactCounts {
    /// Counts the facts of an entry.
    pub(super) fn add(&mut self, facts: &Facts) {
        match facts.evidence() {
            Evidence::MachineChecked => self.machine_checked += 1,
            Evidence::SourceRead => self.source_read += 1,
            Evidence::Unconfirmed => self.unconfirmed += 1,
        }
        self.keys_unconfirmed += facts.unconfirmed.len();
    }
}
