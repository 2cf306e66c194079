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
    dice::Dice,
    postgres::{self, Database},
    upstream::Upstream,
};
use serde_json::json;

use super::replica::Replica;

/// Which sync of `tests/proof`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sync {
    /// A mapper: its place is a resume state.
    Mapped,
    /// A loop by hand: its place is a checkpoint.
    ByHand,
}

impl Sync {
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
        FunctionKey { kind: declare::Kind::Sync, integration, connection, function, variant }
    }

    /// Whoever else writes the same records: the webhook handler of the mapper.
    pub(super) fn handler(self) -> FunctionKey {
        FunctionKey { kind: declare::Kind::OnWebhook, function: "item-told".to_owned(), ..self.function() }
    }

    pub(super) fn dataset(self) -> DatasetKey {
        let [integration, connection, model, variant] = ["proof", "acme", self.model(), "base"].map(str::to_owned);
        DatasetKey { integration, connection, model, variant }
    }
}

/// How a run is brought to its end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Blow {
    /// SIGKILL so long after its start.
    After(Duration),
    /// It dies by itself when it passes this place for the nth time.
    Failpoint(&'static str, u64),
}

/// Which kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// An empty database of this kind. `None`: there is no server here, and that was said.
    pub(super) fn base(self) -> Option<Base> {
        match self {
            Self::Sqlite => Some(Base::File),
            Self::Postgres => Some(Base::Server(postgres::server()?.empty())),
        }
    }

    /// Whether a failpoint stands in the path of a run on such a database.
    pub(super) fn passes(self, failpoint: &str) -> bool {
        let other = match self {
            Self::Sqlite => "postgres:",
            Self::Postgres => "sqlite:",
        };
        // Renewals have voyages of their own: these syncs have no token.
        !failpoint.starts_with(other) && !failpoint.starts_with("refresh:")
    }

    /// The failpoint in the making of the schema: only who makes it can die there.
    pub(super) fn schema(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite:open:schema",
            Self::Postgres => "postgres:open:schema",
        }
    }
}

/// The database of a voyage.
#[derive(Debug)]
pub(super) enum Base {
    /// A file in the registry's directory.
    File,
    /// A database of its own on a server.
    Server(Database),
}

/// What one of the two syncs has come to.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// How long a whole run took.
    usual: Duration,
    pub(super) replica: Replica,
    /// The API's records when the counters were last right.
    pub(super) before: BTreeMap<String, String>,
    pub(super) counted: ModelCounts,
}

/// A database, an API, a reader for each sync.
pub(super) struct Voyage {
    pub(super) registry: Registry,
    base: Base,
    /// The database.
    pub(super) url: String,
    pub(super) upstream: Upstream,
    dice: Dice,
    records: u64,
    pub(super) courses: [Course; 2],
    /// What happened, for the person who reads of a failure.
    trail: Trail,
}

struct Trail(Vec<String>);

impl Drop for Trail {
    fn drop(&mut self) {
        if thread::panicking() {
            let last = self.0.len().saturating_sub(25);
            println!("{}\nthe last steps:\n  {}", self.0[0], self.0[last.max(1)..].join("\n  "));
        }
    }
}

fn text_of(id: &str, text: &str) -> String {
    json!({ "id": id, "text": text }).to_string()
}

impl Voyage {
    /// An API with records, and a file that nothing was synced into.
    pub(super) fn new(title: &str, seed: u64, records: u64) -> Self {
        Self::on(Base::File, title, seed, records)
    }

    /// An API with records, and a database that nothing was synced into.
    pub(super) fn on(base: Base, title: &str, seed: u64, records: u64) -> Self {
        let voyage = Self::prepare_on(base, title, seed, records);
        voyage.connect(&[]).expect(0);
        voyage
    }

    /// The same, after the process that made the database died at a place on its way.
    pub(super) fn that_dies_first(base: Base, failpoint: &'static str, seed: u64, records: u64) -> Self {
        let voyage = Self::prepare_on(base, failpoint, seed, records);
        let died = voyage.connect(&[("NANGO_FAILPOINT", OsStr::new(failpoint))]);
        assert_eq!(died.status, None, "it passes {failpoint}: {}", died.stderr);
        voyage.connect(&[]).expect(0);
        voyage
    }

    /// An API with records, and no database yet: it is to be a file of its own.
    pub(super) fn prepare(title: &str, seed: u64, records: u64) -> Self {
        Self::prepare_on(Base::File, title, seed, records)
    }

    fn prepare_on(base: Base, title: &str, seed: u64, records: u64) -> Self {
        let upstream = Upstream::new();
        let mut registry = Registry::proof(upstream.url());
        let url = match &base {
            Base::File => format!("sqlite:{}", registry.database().display()),
            Base::Server(database) => database.url.clone(),
        };
        registry.env("NANGO_DATABASE_URL", &url);
        let mut voyage = Self {
            registry,
            base,
            url,
            upstream,
            dice: Dice::new(seed),
            records,
            courses: Default::default(),
            trail: Trail(vec![format!("{title}, voyage {seed}")]),
        };
        for n in 0..records {
            voyage.put(&format!("{:06}", n * 10));
        }
        voyage
    }

    pub(super) fn connect(&self, variables: &[(&str, &OsStr)]) -> Output {
        let add = ["connection", "add", "proof", "acme", "--auth", "bearer", "--credentials", "\"t\""];
        self.registry.start_with(add, variables).finish()
    }

    fn put(&mut self, id: &str) {
        let text =
            format!("{}-{}", self.dice.roll(1000), "x".repeat(usize::try_from(self.dice.roll(400)).expect("small")));
        for sync in Sync::BOTH {
            let json = text_of(id, &text);
            self.upstream.change(sync.name(), |all| drop(all.insert(id.to_owned(), json)));
        }
    }

    /// Some records change, some go, some come, at every place.
    pub(super) fn upstream_changes(&mut self) {
        let (changes, span) = (self.records / 25, self.records * 10);
        for _ in 0..changes {
            let id = self.dice.roll(span);
            match self.dice.roll(3) {
                // Ids in use end with 0 at first; others come and go.
                0 => self.put(&format!("{id:06}")),
                1 => self.put(&format!("{:06}", id / 10 * 10)),
                _ => {
                    let id = format!("{:06}", id / 10 * 10);
                    for sync in Sync::BOTH {
                        self.upstream.change(sync.name(), |all| drop(all.remove(&id)));
                    }
                }
            }
        }
        self.trail.0.push(format!("the API changes ({changes})"));
    }

    /// Notes something that happened.
    pub(super) fn note(&mut self, what: &str) {
        self.trail.0.push(what.to_owned());
    }

    /// How long a whole run of this sync takes.
    pub(super) fn usual(&mut self, sync: Sync) -> Duration {
        if self.courses[sync as usize].usual.is_zero() {
            self.complete(sync);
            self.verify_counters(sync);
        }
        self.courses[sync as usize].usual
    }

    /// The database on a server, to be looked into and to be disturbed.
    ///
    /// # Panics
    ///
    /// The voyage is made on a file.
    pub(super) fn database(&self) -> &Database {
        let Base::Server(database) = &self.base else { panic!("a file is no database on a server") };
        database
    }

    /// Starts a sync.
    pub(super) fn start(&self, sync: Sync) -> Running {
        self.start_with(sync, &[])
    }

    fn start_with(&self, sync: Sync, variables: &[(&str, &OsStr)]) -> Running {
        self.registry.start_with(["run", "proof", sync.name(), "--connection", "acme", "--json"], variables)
    }

    /// Waits for the end of a sync that was started, whatever comes of it.
    pub(super) fn finish(&mut self, sync: Sync, running: Running, what: &str) -> Output {
        let ended = running.finish();
        self.trail.0.push(format!("{} {what}: {:?}", sync.name(), ended.status));
        ended
    }

    /// Runs a sync with these variables, whatever comes of it.
    pub(super) fn run_with(&mut self, sync: Sync, variables: &[(&str, &OsStr)]) -> Output {
        let running = self.start_with(sync, variables);
        self.finish(sync, running, &format!("with {variables:?}"))
    }

    /// Runs a sync that is struck down. Gives whether it died of it, and was not faster.
    pub(super) fn run_and(&mut self, sync: Sync, blow: Blow) -> bool {
        let ended = match blow {
            Blow::After(pause) => {
                let mut running = self.start(sync);
                thread::sleep(pause);
                running.kill_now();
                running.finish()
            }
            Blow::Failpoint(name, passing) => {
                let failpoint = format!("{name}:{passing}");
                self.start_with(sync, &[("NANGO_FAILPOINT", OsStr::new(&failpoint))]).finish()
            }
        };
        self.trail.0.push(format!("{} {blow:?}: {:?}", sync.name(), ended.status));
        assert!(matches!(ended.status, None | Some(0)), "{}\n{}", ended.stdout, ended.stderr);
        ended.status.is_none()
    }

    /// Runs a sync until it has succeeded and no delete waits for another walk.
    ///
    /// The mapper walks by tokens: its first complete walk deletes. The requests of the loop by hand may shift for all that
    /// the product can see: its deletes wait for a second walk, and what went behind a walk that was resumed for a third.
    pub(super) fn complete(&mut self, sync: Sync) {
        let most = match sync {
            Sync::Mapped => 1,
            Sync::ByHand => 3,
        };
        for _ in 0..most {
            let started = Instant::now();
            let report = self.registry.json(["run", "proof", sync.name(), "--connection", "acme", "--json"]);
            let usual = &mut self.courses[sync as usize].usual;
            *usual = if usual.is_zero() { started.elapsed() } else { *usual };
            self.trail.0.push(format!("{} to its end: {}", sync.name(), report["models"]));
            assert_eq!(report["status"], "success", "{report:#}");
            if report["waiting_deletes"].as_object().is_none_or(serde_json::Map::is_empty) {
                return;
            }
            self.trail.0.push(format!("deletes that wait: {}", report["waiting_deletes"]));
        }
        panic!("deletes of {} still wait after {most} complete walks", sync.name());
    }

    /// The readers read some pages.
    pub(super) fn reader_reads(&mut self, pages: u64) {
        for sync in Sync::BOTH {
            self.courses[sync as usize].replica.read(&self.registry, sync, Some(pages));
        }
        self.trail.0.push(format!("the readers read {pages} pages"));
    }
}
