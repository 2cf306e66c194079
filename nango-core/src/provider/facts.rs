//! The sources of an entry's facts: the `facts` key.

use jiff::civil::Date;

/// Where the facts of an entry come from, as the entry states it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Facts {
    /// The machine-readable description that a test compares the entry with, such as `npm:@octokit/openapi`.
    pub described_by: Option<String>,
    /// The day on which public sources of the entry were read last.
    pub read_on: Option<Date>,
    /// The paths of keys that no public source confirmed.
    pub unconfirmed: Vec<String>,
}

/// How well the facts of an entry are supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// A test compares the entry with a machine-readable description.
    MachineChecked,
    /// Public sources were read.
    SourceRead,
    /// Nothing is stated.
    Unconfirmed,
}

impl Evidence {
    /// The stable name, for JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::MachineChecked => "machine_checked",
            Self::SourceRead => "source_read",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

impl Facts {
    /// How well the facts are supported: the strongest support that the entry states.
    pub fn evidence(&self) -> Evidence {
        match (&self.described_by, self.read_on) {
            (Some(_), _) => Evidence::MachineChecked,
            (None, Some(_)) => Evidence::SourceRead,
            (None, None) => Evidence::Unconfirmed,
        }
    }
}

/// How many entries have each [`Evidence`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FactCounts {
    /// Entries that a test compares with a machine-readable description.
    pub machine_checked: usize,
    /// Entries of which public sources were read.
    pub source_read: usize,
    /// The other entries.
    pub unconfirmed: usize,
    /// Keys, of all entries, that no public source confirmed.
    pub keys_unconfirmed: usize,
}

impl FactCounts {
    /// Adds an entry.
    pub(super) fn add(&mut self, facts: &Facts) {
        match facts.evidence() {
            Evidence::MachineChecked => self.machine_checked += 1,
            Evidence::SourceRead => self.source_read += 1,
            Evidence::Unconfirmed => self.unconfirmed += 1,
        }
        self.keys_unconfirmed += facts.unconfirmed.len();
    }
}
