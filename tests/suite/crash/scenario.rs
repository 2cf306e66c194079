//! Scenario of a crash test: an API whose records change, a database into which several syncs write them, and a reader
//! of each sync's feed. A test changes the API, runs a sync and kills it, as often as it likes, and then calls
//! [`Scenario::run_to_completion`] and the checks in `verify`: nothing may be lost or duplicated.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    thread,
    time::{Duration, Instant},
};

use nango_core::internal::store::ModelCounts;
use nango_tests::{
    DatabaseKind, Output, Registry, Running, TestDatabase, postgres::Database, rng::Rng, step_log::StepLog,
    upstream::Upstream,
};
use serde_json::json;

use super::{proof_sync::ProofSync, replica::Replica};

/// When the process of a run is killed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kill {
    /// By SIGKILL, this long after its start.
    AfterDelay(Duration),
    /// When it reaches this failpoint for the nth time, counted from 1.
    AtFailpoint(&'static str, u64),
}

/// State of one of the syncs, as the test expects it.
#[derive(Debug, Default)]
pub(super) struct SyncState {
    /// Duration of a complete run without a kill.
    typical_duration: Duration,
    /// The copy of the records that a reader of the feed has made so far.
    pub(super) replica: Replica,
    /// The API's records when the counters were last verified.
    pub(super) verified_records: BTreeMap<String, String>,
    /// The counters of all runs at that time.
    pub(super) verified_counts: ModelCounts,
}

/// An API, a database, and the state of the syncs between them. If the test fails, the last steps are printed.
pub(super) struct Scenario {
    pub(super) registry: Registry,
    database: TestDatabase,
    /// Database URL.
    pub(super) url: String,
    pub(super) upstream: Upstream,
    rng: Rng,
    /// Number of records that the API has at the start.
    records: u64,
    /// By position of the sync in [`ProofSync::ALL`].
    pub(super) sync_states: [SyncState; ProofSync::ALL.len()],
    /// Number of positions of the feed that were compared with the stored rows.
    pub(super) verified_positions: u64,
    step_log: StepLog,
}

/// Returns a database that will be a file in the directory of the registry.
fn file() -> TestDatabase {
    DatabaseKind::Sqlite.create().expect("a file, which needs no server")
}

fn item_json(id: &str, text: &str) -> String {
    json!({ "id": id, "text": text }).to_string()
}

/// Returns the arguments of a run of the sync.
///
/// A line has another id after each change of its order. After many changes, more than half of the lines are gone
/// while most of the orders exist, and the guard, which decides per model, would hold only the deletes of the lines.
fn arguments_of_run(sync: ProofSync) -> Vec<&'static str> {
    let mut arguments = vec!["run", "proof", sync.name(), "--connection", "acme", "--json"];
    if sync == ProofSync::Tuple {
        arguments.push("--allow-deletes");
    }
    arguments
}

impl Scenario {
    /// Creates an API with records, and a file into which nothing was synced.
    pub(super) fn new(title: &str, seed: u64, records: u64) -> Self {
        Self::on_database(file(), title, seed, records)
    }

    /// Creates an API with records, and a database into which nothing was synced.
    pub(super) fn on_database(database: TestDatabase, title: &str, seed: u64, records: u64) -> Self {
        let scenario = Self::without_database_on(database, title, seed, records);
        scenario.connect(&[]).expect(0);
        scenario
    }

    /// Like [`Self::on_database`], after the process that created the database was killed at a failpoint on the way.
    pub(super) fn after_killed_schema_creation(
        database: TestDatabase,
        failpoint: &'static str,
        seed: u64,
        records: u64,
    ) -> Self {
        let scenario = Self::without_database_on(database, failpoint, seed, records);
        let died = scenario.connect(&[("NANGO_FAILPOINT", OsStr::new(failpoint))]);
        assert_eq!(died.status, None, "the process did not stop at {failpoint}: {}", died.stderr);
        scenario.connect(&[]).expect(0);
        scenario
    }

    /// Creates an API with records, and no database yet; the database will be a file.
    pub(super) fn without_database(title: &str, seed: u64, records: u64) -> Self {
        Self::without_database_on(file(), title, seed, records)
    }

    fn without_database_on(database: TestDatabase, title: &str, seed: u64, records: u64) -> Self {
        let upstream = Upstream::new();
        let mut registry = Registry::proof(upstream.url());
        let url = database.url(registry.use_database(&database).dir());
        let mut scenario = Self {
            registry,
            database,
            url,
            upstream,
            rng: Rng::new(seed),
            records,
            sync_states: Default::default(),
            verified_positions: 0,
            step_log: StepLog::new(format!("{title}, seed {seed}")),
        };
        for n in 0..records {
            scenario.put_upstream_record(&format!("{:06}", n * 10));
        }
        scenario
    }

    /// Adds the connection, which creates the database if it does not exist.
    pub(super) fn connect(&self, variables: &[(&str, &OsStr)]) -> Output {
        let metadata = json!({ "lists": ProofSync::ByParent.lists() }).to_string();
        let add = ["connection", "add", "proof", "acme", "--auth", "bearer", "--credentials", "\"t\"", "--metadata"];
        self.registry.start_with_env(add.into_iter().chain([metadata.as_str()]), variables).finish()
    }

    /// Adds a record to the lists of all syncs, or changes it.
    fn put_upstream_record(&mut self, id: &str) {
        let text =
            format!("{}-{}", self.rng.below(1000), "x".repeat(usize::try_from(self.rng.below(400)).expect("small")));
        self.remove_upstream_record(id);
        for sync in ProofSync::ALL {
            let json = item_json(id, &text);
            self.upstream.change(&sync.list_of(&text), |all| drop(all.insert(id.to_owned(), json)));
        }
    }

    /// Removes a record from the lists of all syncs, if it exists.
    fn remove_upstream_record(&self, id: &str) {
        for list in ProofSync::ALL.into_iter().flat_map(ProofSync::lists) {
            self.upstream.change(&list, |all| drop(all.remove(id)));
        }
    }

    /// Returns the records that the API has for a sync, in all its lists.
    pub(super) fn upstream_records(&self, sync: ProofSync) -> BTreeMap<String, String> {
        sync.lists().iter().flat_map(|list| self.upstream.collection(list)).collect()
    }

    /// Changes, removes and adds some records at all positions of the list.
    pub(super) fn change_upstream(&mut self) {
        let (changes, span) = (self.records / 25, self.records * 10);
        for _ in 0..changes {
            let id = self.rng.below(span);
            match self.rng.below(3) {
                // Ids in use end with 0 at first; others are added and removed.
                0 => self.put_upstream_record(&format!("{id:06}")),
                1 => self.put_upstream_record(&format!("{:06}", id / 10 * 10)),
                _ => {
                    self.remove_upstream_record(&format!("{:06}", id / 10 * 10));
                }
            }
        }
        self.step_log.note(&format!("the API changes ({changes})"));
        if self.rng.one_in(4) {
            self.upstream.expire_positions(ProofSync::Feed.name());
            self.step_log.note("the positions of the feed expire");
        }
    }

    /// Runs a sync, kills it, and runs it to completion. The state after the kill is verified before.
    /// Returns whether it was killed before it ended by itself.
    #[cfg(debug_assertions)]
    pub(super) fn kill_and_complete(&mut self, sync: ProofSync, kill: Kill) -> bool {
        let died = self.run_and_kill(sync, kill);
        self.sync_states[sync as usize].replica.read(&self.registry, sync, Some(1));
        self.verify_models_agree(sync);
        self.verify_position_is_not_ahead(sync, |scenario| scenario.run_to_completion(sync));
        died
    }

    /// Adds a line to the log that is printed if the test fails.
    pub(super) fn log_step(&mut self, step: &str) {
        self.step_log.note(step);
    }

    /// Returns the duration of a complete run of this sync, and measures it if it is not known yet.
    pub(super) fn typical_duration(&mut self, sync: ProofSync) -> Duration {
        if self.sync_states[sync as usize].typical_duration.is_zero() {
            self.run_to_completion(sync);
            self.verify_counters(sync);
        }
        self.sync_states[sync as usize].typical_duration
    }

    /// Returns the database on a server, for queries and disturbances.
    ///
    /// # Panics
    ///
    /// Panics if the scenario runs on a file.
    pub(super) fn database(&self) -> &Database {
        self.database.on_server().expect("a scenario on a server")
    }

    /// Starts a sync without additional environment variables.
    pub(super) fn start(&self, sync: ProofSync) -> Running {
        self.start_with_env(sync, &[])
    }

    fn start_with_env(&self, sync: ProofSync, variables: &[(&str, &OsStr)]) -> Running {
        self.registry.start_with_env(arguments_of_run(sync), variables)
    }

    /// Waits for the end of a started sync, whatever its result.
    pub(super) fn finish(&mut self, sync: ProofSync, running: Running, what: &str) -> Output {
        let ended = running.finish();
        self.step_log.note(&format!("{} {what}: {:?}", sync.name(), ended.status));
        ended
    }

    /// Runs a sync with these variables, whatever its result.
    pub(super) fn run_with_env(&mut self, sync: ProofSync, variables: &[(&str, &OsStr)]) -> Output {
        let running = self.start_with_env(sync, variables);
        self.finish(sync, running, &format!("with {variables:?}"))
    }

    /// Runs a sync and kills it. Returns whether it was killed before it ended by itself.
    pub(super) fn run_and_kill(&mut self, sync: ProofSync, kill: Kill) -> bool {
        let ended = match kill {
            Kill::AfterDelay(delay) => {
                let mut running = self.start(sync);
                thread::sleep(delay);
                running.kill_now();
                running.finish()
            }
            Kill::AtFailpoint(name, occurrence) => {
                let failpoint = format!("{name}:{occurrence}");
                self.start_with_env(sync, &[("NANGO_FAILPOINT", OsStr::new(&failpoint))]).finish()
            }
        };
        self.step_log.note(&format!("{} {kill:?}: {:?}", sync.name(), ended.status));
        assert!(matches!(ended.status, None | Some(0)), "{}\n{}", ended.stdout, ended.stderr);
        ended.status.is_none()
    }

    /// Runs a sync until it succeeds and no delete awaits confirmation by another walk.
    ///
    /// The mappers use token pagination: its first complete walk deletes. The pagination of the hand-written loop may
    /// shift as far as the engine can see: its deletes await a second walk, and a record that was removed behind the
    /// resume point of a resumed walk awaits a third.
    pub(super) fn run_to_completion(&mut self, sync: ProofSync) {
        let max_walks = match sync {
            ProofSync::Mapped | ProofSync::ByParent | ProofSync::Tuple | ProofSync::Feed => 1,
            ProofSync::ByHand => 3,
        };
        for _ in 0..max_walks {
            let started = Instant::now();
            let report = self.registry.json(arguments_of_run(sync));
            let typical = &mut self.sync_states[sync as usize].typical_duration;
            *typical = if typical.is_zero() { started.elapsed() } else { *typical };
            self.step_log.note(&format!("{} completed: {}", sync.name(), report["models"]));
            assert_eq!(report["status"], "success", "{report:#}");
            if report["waiting_deletes"].as_object().is_none_or(serde_json::Map::is_empty) {
                return;
            }
            self.step_log.note(&format!("deletes that await confirmation: {}", report["waiting_deletes"]));
        }
        panic!("deletes of {} still await confirmation after {max_walks} complete walks", sync.name());
    }

    /// Reads this number of pages with the reader of each sync.
    pub(super) fn read_pages(&mut self, pages: u64) {
        for sync in ProofSync::ALL {
            self.sync_states[sync as usize].replica.read(&self.registry, sync, Some(pages));
        }
        self.step_log.note(&format!("the readers read {pages} pages"));
    }
}
