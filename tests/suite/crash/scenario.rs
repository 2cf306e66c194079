//! One database, one API and a reader for each sync through many crashes. What must be true afterwards is in `verify`.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    thread,
    time::{Duration, Instant},
};

use nango_core::{
    declare,
    store::{DatasetKey, FunctionKey, ModelCounts},
};
use nango_tests::{
    Output, Registry, Running,
    postgres::{self, Database},
    rng::Rng,
    upstream::Upstream,
};
use serde_json::json;

use super::replica::Replica;

/// Which sync of `tests/proof`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProofSync {
    /// A mapper: its place is a resume state.
    Mapped,
    /// A loop by hand: its place is a checkpoint.
    ByHand,
}

impl ProofSync {
    pub(super) const BOTH: [Self; 2] = [Self::Mapped, Self::ByHand];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mapped => "items",
            Self::ByHand => "notes",
        }
    }

    pub(super) fn model(self) -> &'static str {
        match self {
            Self::Mapped => "Item",
            Self::ByHand => "Note",
        }
    }

    pub(super) fn function(self) -> FunctionKey {
        let [integration, connection, function, variant] = ["proof", "acme", self.name(), "base"].map(str::to_owned);
        FunctionKey { kind: declare::FunctionKind::Sync, integration, connection, function, variant }
    }

    /// Whoever else writes the same records: the webhook handler of the mapper.
    pub(super) fn handler(self) -> FunctionKey {
        FunctionKey {
            kind: declare::FunctionKind::OnWebhook,
            function: "apply-item-event".to_owned(),
            ..self.function()
        }
    }

    pub(super) fn dataset(self) -> DatasetKey {
        let [integration, connection, model, variant] = ["proof", "acme", self.model(), "base"].map(str::to_owned);
        DatasetKey { integration, connection, model, variant }
    }
}

/// How a run is brought to its end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kill {
    /// SIGKILL so long after its start.
    AfterDelay(Duration),
    /// It dies by itself when it passes this place for the nth time.
    AtFailpoint(&'static str, u64),
}

/// Which kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DatabaseKind {
    Sqlite,
    Postgres,
}

impl DatabaseKind {
    /// An empty database of this kind. `None`: there is no server here, and that was said.
    pub(super) fn create_database(self) -> Option<TestDatabase> {
        match self {
            Self::Sqlite => Some(TestDatabase::File),
            Self::Postgres => Some(TestDatabase::Server(postgres::server()?.create_empty_database())),
        }
    }

    /// Whether a failpoint stands in the path of a run on such a database.
    pub(super) fn reaches_failpoint(self, failpoint: &str) -> bool {
        let other = match self {
            Self::Sqlite => "postgres:",
            Self::Postgres => "sqlite:",
        };
        // Renewals have voyages of their own: these syncs have no token.
        !failpoint.starts_with(other) && !failpoint.starts_with("refresh:")
    }

    /// The failpoint in the making of the schema: only who makes it can die there.
    pub(super) fn schema_failpoint(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite:open:schema",
            Self::Postgres => "postgres:open:schema",
        }
    }
}

/// The database of a voyage.
#[derive(Debug)]
pub(super) enum TestDatabase {
    /// A file in the registry's directory.
    File,
    /// A database of its own on a server.
    Server(Database),
}

/// What one of the two syncs has come to.
#[derive(Debug, Default)]
pub(super) struct SyncState {
    /// How long a whole run took.
    typical_duration: Duration,
    pub(super) replica: Replica,
    /// The API's records when the counters were last right.
    pub(super) verified_records: BTreeMap<String, String>,
    pub(super) verified_counts: ModelCounts,
}

/// A database, an API, a reader for each sync.
pub(super) struct Scenario {
    pub(super) registry: Registry,
    database: TestDatabase,
    /// The database.
    pub(super) url: String,
    pub(super) upstream: Upstream,
    rng: Rng,
    records: u64,
    pub(super) sync_states: [SyncState; 2],
    /// What happened, for the person who reads of a failure.
    step_log: StepLog,
}

struct StepLog(Vec<String>);

impl Drop for StepLog {
    fn drop(&mut self) {
        if thread::panicking() {
            let last = self.0.len().saturating_sub(25);
            println!("{}\nthe last steps:\n  {}", self.0[0], self.0[last.max(1)..].join("\n  "));
        }
    }
}

fn item_json(id: &str, text: &str) -> String {
    json!({ "id": id, "text": text }).to_string()
}

impl Scenario {
    /// An API with records, and a file that nothing was synced into.
    pub(super) fn new(title: &str, seed: u64, records: u64) -> Self {
        Self::on_database(TestDatabase::File, title, seed, records)
    }

    /// An API with records, and a database that nothing was synced into.
    pub(super) fn on_database(database: TestDatabase, title: &str, seed: u64, records: u64) -> Self {
        let scenario = Self::without_database_on(database, title, seed, records);
        scenario.connect(&[]).expect(0);
        scenario
    }

    /// The same, after the process that made the database died at a place on its way.
    pub(super) fn after_killed_schema_creation(
        database: TestDatabase,
        failpoint: &'static str,
        seed: u64,
        records: u64,
    ) -> Self {
        let scenario = Self::without_database_on(database, failpoint, seed, records);
        let died = scenario.connect(&[("NANGO_FAILPOINT", OsStr::new(failpoint))]);
        assert_eq!(died.status, None, "it passes {failpoint}: {}", died.stderr);
        scenario.connect(&[]).expect(0);
        scenario
    }

    /// An API with records, and no database yet: it is to be a file of its own.
    pub(super) fn without_database(title: &str, seed: u64, records: u64) -> Self {
        Self::without_database_on(TestDatabase::File, title, seed, records)
    }

    fn without_database_on(database: TestDatabase, title: &str, seed: u64, records: u64) -> Self {
        let upstream = Upstream::new();
        let mut registry = Registry::proof(upstream.url());
        let url = match &database {
            TestDatabase::File => format!("sqlite:{}", registry.database().display()),
            TestDatabase::Server(database) => database.url.clone(),
        };
        registry.env("NANGO_DATABASE_URL", &url);
        let mut scenario = Self {
            registry,
            database,
            url,
            upstream,
            rng: Rng::new(seed),
            records,
            sync_states: Default::default(),
            step_log: StepLog(vec![format!("{title}, voyage {seed}")]),
        };
        for n in 0..records {
            scenario.put_upstream_record(&format!("{:06}", n * 10));
        }
        scenario
    }

    pub(super) fn connect(&self, variables: &[(&str, &OsStr)]) -> Output {
        let add = ["connection", "add", "proof", "acme", "--auth", "bearer", "--credentials", "\"t\""];
        self.registry.start_with_env(add, variables).finish()
    }

    fn put_upstream_record(&mut self, id: &str) {
        let text =
            format!("{}-{}", self.rng.below(1000), "x".repeat(usize::try_from(self.rng.below(400)).expect("small")));
        for sync in ProofSync::BOTH {
            let json = item_json(id, &text);
            self.upstream.change(sync.name(), |all| drop(all.insert(id.to_owned(), json)));
        }
    }

    /// Some records change, some go, some come, at every place.
    pub(super) fn change_upstream(&mut self) {
        let (changes, span) = (self.records / 25, self.records * 10);
        for _ in 0..changes {
            let id = self.rng.below(span);
            match self.rng.below(3) {
                // Ids in use end with 0 at first; others come and go.
                0 => self.put_upstream_record(&format!("{id:06}")),
                1 => self.put_upstream_record(&format!("{:06}", id / 10 * 10)),
                _ => {
                    let id = format!("{:06}", id / 10 * 10);
                    for sync in ProofSync::BOTH {
                        self.upstream.change(sync.name(), |all| drop(all.remove(&id)));
                    }
                }
            }
        }
        self.step_log.0.push(format!("the API changes ({changes})"));
    }

    /// Notes something that happened.
    pub(super) fn log_step(&mut self, what: &str) {
        self.step_log.0.push(what.to_owned());
    }

    /// How long a whole run of this sync takes.
    pub(super) fn typical_duration(&mut self, sync: ProofSync) -> Duration {
        if self.sync_states[sync as usize].typical_duration.is_zero() {
            self.run_to_completion(sync);
            self.verify_counters(sync);
        }
        self.sync_states[sync as usize].typical_duration
    }

    /// The database on a server, to be looked into and to be disturbed.
    ///
    /// # Panics
    ///
    /// The voyage is made on a file.
    pub(super) fn database(&self) -> &Database {
        let TestDatabase::Server(database) = &self.database else { panic!("a file is no database on a server") };
        database
    }

    /// Starts a sync.
    pub(super) fn start(&self, sync: ProofSync) -> Running {
        self.start_with_env(sync, &[])
    }

    fn start_with_env(&self, sync: ProofSync, variables: &[(&str, &OsStr)]) -> Running {
        self.registry.start_with_env(["run", "proof", sync.name(), "--connection", "acme", "--json"], variables)
    }

    /// Waits for the end of a sync that was started, whatever comes of it.
    pub(super) fn finish(&mut self, sync: ProofSync, running: Running, what: &str) -> Output {
        let ended = running.finish();
        self.step_log.0.push(format!("{} {what}: {:?}", sync.name(), ended.status));
        ended
    }

    /// Runs a sync with these variables, whatever comes of it.
    pub(super) fn run_with_env(&mut self, sync: ProofSync, variables: &[(&str, &OsStr)]) -> Output {
        let running = self.start_with_env(sync, variables);
        self.finish(sync, running, &format!("with {variables:?}"))
    }

    /// Runs a sync that is struck down. Gives whether it died of it, and was not faster.
    pub(super) fn run_and_kill(&mut self, sync: ProofSync, kill: Kill) -> bool {
        let ended = match kill {
            Kill::AfterDelay(pause) => {
                let mut running = self.start(sync);
                thread::sleep(pause);
                running.kill_now();
                running.finish()
            }
            Kill::AtFailpoint(name, passing) => {
                let failpoint = format!("{name}:{passing}");
                self.start_with_env(sync, &[("NANGO_FAILPOINT", OsStr::new(&failpoint))]).finish()
            }
        };
        self.step_log.0.push(format!("{} {kill:?}: {:?}", sync.name(), ended.status));
        assert!(matches!(ended.status, None | Some(0)), "{}\n{}", ended.stdout, ended.stderr);
        ended.status.is_none()
    }

    /// Runs a sync until it has succeeded and no delete waits for another walk.
    ///
    /// The mapper walks by tokens: its first complete walk deletes. The requests of the loop by hand may shift for all that
    /// the product can see: its deletes wait for a second walk, and what went behind a walk that was resumed for a third.
    pub(super) fn run_to_completion(&mut self, sync: ProofSync) {
        let max_walks = match sync {
            ProofSync::Mapped => 1,
            ProofSync::ByHand => 3,
        };
        for _ in 0..max_walks {
            let started = Instant::now();
            let report = self.registry.json(["run", "proof", sync.name(), "--connection", "acme", "--json"]);
            let usual = &mut self.sync_states[sync as usize].typical_duration;
            *usual = if usual.is_zero() { started.elapsed() } else { *usual };
            self.step_log.0.push(format!("{} to its end: {}", sync.name(), report["models"]));
            assert_eq!(report["status"], "success", "{report:#}");
            if report["waiting_deletes"].as_object().is_none_or(serde_json::Map::is_empty) {
                return;
            }
            self.step_log.0.push(format!("deletes that wait: {}", report["waiting_deletes"]));
        }
        panic!("deletes of {} still wait after {max_walks} complete walks", sync.name());
    }

    /// The readers read some pages.
    pub(super) fn read_pages(&mut self, pages: u64) {
        for sync in ProofSync::BOTH {
            self.sync_states[sync as usize].replica.read(&self.registry, sync, Some(pages));
        }
        self.step_log.0.push(format!("the readers read {pages} pages"));
    }
}
