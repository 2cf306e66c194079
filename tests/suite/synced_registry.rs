//! A synced registry for the tests of records and webhooks, and a search for record contents in files.

use std::{collections::BTreeSet, fs, path::Path};

use integrations::standin::{PAGED_REPOSITORY, Standin};
use nango_tests::{Registry, wait};
use serde_json::{Value, json};

/// A connection to the stand-in's larger repository, synced once.
pub(crate) struct SyncedRegistry {
    pub(crate) standin: Standin,
    pub(crate) registry: Registry,
}

impl SyncedRegistry {
    pub(crate) fn new() -> Self {
        Self::sync_first(wait(Standin::start()).expect("a stand-in"), Registry::new())
    }

    /// Like [`Self::new`], with another registry.
    pub(crate) fn sync_first(standin: Standin, registry: Registry) -> Self {
        let synced = Self::connect(standin, registry);
        synced.sync();
        synced
    }

    /// Adds the connection, and syncs nothing.
    pub(crate) fn connect(standin: Standin, registry: Registry) -> Self {
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
        Self { standin, registry }
    }

    /// Runs the sync again.
    pub(crate) fn sync(&self) -> Value {
        self.registry.json(["run", "github", "repo-issues", "--connection", "acme", "--json"])
    }

    /// Reads records with these additional arguments.
    pub(crate) fn read(&self, extra_args: &[&str]) -> Value {
        let read = ["records", "github", "GithubIssue", "--connection", "acme", "--json"];
        self.registry.json(read.iter().chain(extra_args))
    }
}

/// Returns texts that occur only in payloads.
pub(crate) fn texts(records: &Value) -> BTreeSet<String> {
    let records = records["records"].as_array().expect("records");
    let payload_texts = |record: &Value| {
        let fields = record.as_object().expect("an object").iter().filter(|(name, _)| !name.starts_with('_'));
        fields.filter_map(|(_, value)| value.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    records.iter().flat_map(payload_texts).filter(|text| text.len() >= 12).collect()
}

/// Returns the texts that occur in plain text in the files of a directory, with the file name.
pub(crate) fn texts_in_files(dir: &Path, texts: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(dir).expect("the directory").flatten() {
        // SQLite removes its own temporary files at any time.
        let Ok(bytes) = fs::read(entry.path()) else { continue };
        let contains = |text: &&String| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        let name = entry.file_name().to_string_lossy().into_owned();
        found.extend(texts.iter().filter(contains).map(|text| format!("{name}: {text}")));
    }
    found
}
