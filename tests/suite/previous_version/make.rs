//! Creates the checked-in databases, with the binaries of the version that is about to become the previous one.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::{
    ACCESS_TOKEN, API_KEY, BEARER_TOKEN, CONTACTS, Fixture, HELD_ISSUES, ISSUES, NOTES, OpenedDatabase, PAGE,
    REFRESH_TOKEN, api::issue,
};

/// 2090-01-01 in seconds since 1970.
const YEAR_2090: u64 = 3_786_912_000;

/// Not a test: see `tests/fixtures/previous_version/README.md`.
#[test]
#[ignore = "writes tests/fixtures/previous_version"]
fn make_databases_of_previous_version() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    assert!(
        now > YEAR_2090,
        "the clock must be set far ahead, or the resume points expire: see the README of the fixtures"
    );
    for fixture in Fixture::ALL {
        let opened = OpenedDatabase::empty(fixture).expect("a PostgreSQL server");
        opened.fill();
        let printed = opened.print(None);
        let content = opened.content();
        fixture.store(&content, &printed);
    }
}

impl OpenedDatabase {
    fn fill(&self) {
        self.connect();
        // One record is edited and one is deleted.
        let edited = self.api.replace_issues("r", (1..=8).map(|number| issue(number, false)).collect());
        assert_eq!(self.registry.json(ISSUES)["models"]["GithubIssue"]["added"], 8);
        self.api.replace_issues("r", edited);
        let counts = self.registry.json(ISSUES)["models"]["GithubIssue"].clone();
        assert_eq!((&counts["updated"], &counts["deleted"]), (&json!(1), &json!(1)), "{counts:#}");

        // Deletes that are held by the guard.
        assert_eq!(self.registry.json(HELD_ISSUES)["models"]["GithubIssue"]["added"], 20);
        let issues = self.api.replace_issues("held", Vec::new());
        assert_eq!(self.registry.json(HELD_ISSUES)["waiting_deletes"]["GithubIssue"]["deletes_held"], 20);
        self.api.replace_issues("held", issues);

        // A run that is interrupted before its fourth page.
        self.api.set_broken(true);
        self.api.take_requests();
        let mut running = self.registry.start(CONTACTS);
        let stored =
            || self.records(["hubspot", "HubspotContact", "acme"], &["--all"])["records"].as_array().map(Vec::len);
        running.wait_until("three pages", |_| self.api.request_count() == 4 && stored() == Some(3 * PAGE));
        running.interrupt();
        let report = running.finish().expect(130).json();
        assert_eq!((&report["status"], &report["resumable"]), (&json!("interrupted"), &json!(true)));

        // A run that fails after its second page, with a checkpoint.
        let report = self.proof.run(NOTES).expect(1).json();
        assert_eq!((&report["status"], &report["checkpoint"]["after"]), (&json!("error"), &json!("n2")), "{report:#}");
        self.api.set_broken(false);
    }

    fn connect(&self) {
        let add = |integration: &str, id: &str, auth: &str, credentials: Value| {
            let credentials = credentials.to_string();
            let add = ["connection", "add", integration, id, "--auth", auth, "--credentials", &credentials];
            self.registry_of(integration).run(add.iter().chain(&["--no-verify"])).expect(0);
        };
        // Metadata is set separately: with `connection add --metadata`, an on-event function would verify the
        // repository.
        let set_metadata = |integration: &str, id: &str, metadata: Value| {
            let set = ["connection", "set-metadata", integration, id, &metadata.to_string()];
            self.registry_of(integration).run(set).expect(0);
        };
        let oauth2 = json!({
            "access_token": ACCESS_TOKEN, "refresh_token": REFRESH_TOKEN, "expires_at": "2200-01-01T00:00:00Z",
        });
        add("hubspot", "acme", "oauth2", oauth2);
        set_metadata("hubspot", "acme", json!({ "portal": 42, "tags": ["a", "b"] }));
        for (id, repository) in [("acme", "r"), ("held", "held")] {
            add("github", id, "bearer", json!(BEARER_TOKEN));
            set_metadata("github", id, json!({ "owner": "o", "repo": repository }));
        }
        add("proof", "acme", "api-key", json!({ "apiKey": API_KEY }));
    }

    fn content(&self) -> Vec<u8> {
        let Some(database) = self.database.on_server() else {
            let log = self.registry.dir().join("nango.db-wal");
            assert!(!log.exists(), "the last process has checkpointed its log");
            return fs::read(self.registry.database()).expect("the database");
        };
        database.dump().into_bytes()
    }
}
