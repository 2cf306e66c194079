//! What the tests of records and webhooks start from.

use integrations::standin::{PAGED_REPOSITORY, Standin};
use nango_tests::{Registry, wait};
use serde_json::{Value, json};

/// A connection of the stand-in's larger repository, synced once.
pub(crate) struct Synced {
    pub(crate) standin: Standin,
    pub(crate) registry: Registry,
}

impl Synced {
    pub(crate) fn new() -> Self {
        Self::first(wait(Standin::start()).expect("a stand-in"), Registry::new())
    }

    /// The same, in a directory with settings of its own.
    pub(crate) fn first(standin: Standin, registry: Registry) -> Self {
        registry.base_url("github", standin.url());
        let (owner, repo) = PAGED_REPOSITORY.split_once('/').expect("owner/name");
        let metadata = json!({ "owner": owner, "repo": repo }).to_string();
        registry
            .run([
                "connection",
                "add",
                "github",
                "acme",
                "--auth",
                "bearer",
                "--credentials",
                "\"t\"",
                "--metadata",
                &metadata,
            ])
            .expect(0);
        let synced = Self { standin, registry };
        synced.sync();
        synced
    }

    /// Runs the sync once more.
    pub(crate) fn sync(&self) -> Value {
        self.registry.json(["run", "github", "repo-issues", "--connection", "acme", "--json"])
    }

    /// Reads records with these further arguments.
    pub(crate) fn read(&self, more: &[&str]) -> Value {
        let read = ["records", "github", "GithubIssue", "--connection", "acme", "--json"];
        self.registry.json(read.iter().chain(more))
    }
}
