//! One database, one API and one reader through many crashes.
//!
//! The database is named by a URL and looked at through the traits of the store, so that another kind of database joins
//! by its URL.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    thread,
    time::{Duration, Instant},
};

use nango_core::{
    declare::Kind,
    store::{
        self, DatasetKey, FinishScan, FunctionKey, ModelCounts, NewRun, ReadQuery, RunEnd, RunStatus, ScanFrom,
        SharedStore,
    },
};
use nango_tests::{Output, Registry, dice::Dice, upstream::Upstream, wait};
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

    fn function(self) -> FunctionKey {
        let [integration, connection, function, variant] = ["proof", "acme", self.name(), "base"].map(str::to_owned);
        FunctionKey { kind: Kind::Sync, integration, connection, function, variant }
    }

    /// Whoever else writes the same records: the webhook handler of the mapper.
    fn handler(self) -> FunctionKey {
        FunctionKey { kind: Kind::OnWebhook, function: "item-told".to_owned(), ..self.function() }
    }

    fn dataset(self) -> DatasetKey {
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

/// Whether a failpoint stands in the path of a run on the database under test.
pub(super) fn is_passed_here(name: &str) -> bool {
    !["postgres:"].iter().any(|other| name.starts_with(other))
}

/// What one of the two syncs has come to.
#[derive(Debug, Default)]
struct Course {
    /// How long a whole run took.
    usual: Duration,
    replica: Replica,
    /// The API's records when the counters were last right.
    before: BTreeMap<String, String>,
    counted: ModelCounts,
}

/// A database, an API, a reader for each sync.
pub(super) struct Voyage {
    pub(super) registry: Registry,
    pub(super) upstream: Upstream,
    dice: Dice,
    records: u64,
    courses: [Course; 2],
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

fn texts(collection: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let text = |json: &str| serde_json::from_str::<serde_json::Value>(json).expect("JSON")["text"].clone();
    collection.iter().map(|(id, json)| (id.clone(), text(json).as_str().expect("a text").to_owned())).collect()
}

impl Voyage {
    /// An API with records, and a database that nothing was synced into.
    pub(super) fn new(title: &str, seed: u64, records: u64) -> Self {
        let voyage = Self::prepare(title, seed, records);
        voyage.connect(&[]).expect(0);
        voyage
    }

    /// The same, after the process that made the database died at a place on its way.
    pub(super) fn that_dies_first(failpoint: &'static str, seed: u64, records: u64) -> Self {
        let voyage = Self::prepare(failpoint, seed, records);
        let died = voyage.connect(&[("NANGO_FAILPOINT", OsStr::new(failpoint))]);
        assert_eq!(died.status, None, "it passes {failpoint}: {}", died.stderr);
        voyage.connect(&[]).expect(0);
        voyage
    }

    /// An API with records, and no database.
    pub(super) fn prepare(title: &str, seed: u64, records: u64) -> Self {
        let upstream = Upstream::new();
        let registry = Registry::proof(upstream.url());
        let mut voyage = Self {
            registry,
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

    /// How long a whole run of this sync takes.
    pub(super) fn usual(&mut self, sync: Sync) -> Duration {
        if self.courses[sync as usize].usual.is_zero() {
            self.complete(sync);
            self.verify_counters(sync);
        }
        self.courses[sync as usize].usual
    }

    /// Runs a sync with these variables, whatever comes of it.
    pub(super) fn run_with(&mut self, sync: Sync, variables: &[(&str, &OsStr)]) -> Output {
        let run = ["run", "proof", sync.name(), "--connection", "acme", "--json"];
        let ended = self.registry.start_with(run, variables).finish();
        self.trail.0.push(format!("{} with {variables:?}: {:?}", sync.name(), ended.status));
        ended
    }

    /// Runs a sync that is struck down. Gives whether it died of it, and was not faster.
    pub(super) fn run_and(&mut self, sync: Sync, blow: Blow) -> bool {
        let run = ["run", "proof", sync.name(), "--connection", "acme", "--json"];
        let ended = match blow {
            Blow::After(pause) => {
                let mut running = self.registry.start(run);
                thread::sleep(pause);
                running.kill_now();
                running.finish()
            }
            Blow::Failpoint(name, passing) => {
                let failpoint = format!("{name}:{passing}");
                self.registry.start_with(run, &[("NANGO_FAILPOINT", OsStr::new(&failpoint))]).finish()
            }
        };
        self.trail.0.push(format!("{} {blow:?}: {:?}", sync.name(), ended.status));
        assert!(matches!(ended.status, None | Some(0)), "{}\n{}", ended.stdout, ended.stderr);
        ended.status.is_none()
    }

    /// Runs a sync to its end.
    pub(super) fn complete(&mut self, sync: Sync) {
        let started = Instant::now();
        let report = self.registry.json(["run", "proof", sync.name(), "--connection", "acme", "--json"]);
        let usual = &mut self.courses[sync as usize].usual;
        *usual = if usual.is_zero() { started.elapsed() } else { *usual };
        self.trail.0.push(format!("{} to its end: {}", sync.name(), report["models"]));
        assert_eq!(report["status"], "success", "{report:#}");
    }

    /// The readers read some pages.
    pub(super) fn reader_reads(&mut self, pages: u64) {
        for sync in Sync::BOTH {
            self.courses[sync as usize].replica.read(&self.registry, sync, Some(pages));
        }
        self.trail.0.push(format!("the readers read {pages} pages"));
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.registry.database().display())
    }

    /// Looks at the database from this process.
    fn look<T: Send + 'static, F: Future<Output = T> + Send>(
        &self,
        look: impl FnOnce(SharedStore) -> F + Send + 'static,
    ) -> T {
        let url = self.url();
        wait(async move {
            let store = store::open(&url).await.expect("a database");
            let seen = look(store.clone()).await;
            store.close().await.expect("a close");
            seen
        })
    }

    /// The runs since the last look added, updated and deleted exactly what changed at the API: the pages of killed runs
    /// were counted once, with their records.
    pub(super) fn verify_counters(&mut self, sync: Sync) {
        let (total, running) = self.look(move |store| async move {
            let runs = store.runs_of(&sync.function(), 100_000).await.expect("runs");
            let mut total = ModelCounts::default();
            for counts in runs.iter().filter_map(|run| run.totals.models.get(sync.model())) {
                total.added += counts.added;
                total.updated += counts.updated;
                total.deleted += counts.deleted;
                total.skipped_newer += counts.skipped_newer;
            }
            (total, runs.iter().filter(|run| run.status == RunStatus::Running).count())
        });
        let now = self.upstream.collection(sync.name());
        let course = &mut self.courses[sync as usize];
        let count = |counts: fn(Option<&String>, Option<&String>) -> bool| {
            let ids: std::collections::BTreeSet<_> = course.before.keys().chain(now.keys()).collect();
            ids.into_iter().filter(|id| counts(course.before.get(*id), now.get(*id))).count() as u64
        };
        let expect = ModelCounts {
            added: course.counted.added + count(|before, now| before.is_none() && now.is_some()),
            updated: course.counted.updated + count(|before, now| before.is_some() && now.is_some() && before != now),
            deleted: course.counted.deleted + count(|before, now| before.is_some() && now.is_none()),
            ..ModelCounts::default()
        };
        assert_eq!((total, running), (expect, 0), "counters of {}", sync.name());
        (course.counted, course.before) = (total, now);
    }

    /// The cache, its sizes, the reader's replica, checkpoint, resume state and scan are what they must be.
    pub(super) fn verify(&mut self, sync: Sync) {
        let (rows, sizes, checkpoint, resume, resumed, total) = self.look(move |store| async move {
            let (function, dataset) = (sync.function(), sync.dataset());
            let (mut rows, mut cursor) = (Vec::new(), None);
            loop {
                let query = ReadQuery { cursor, limit: 1000, ..ReadQuery::default() };
                let page = store.read(&dataset, query).await.expect("a page");
                rows.extend(page.records);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            let sizes = store.datasets(Some("proof"), Some("acme")).await.expect("sizes");
            let sizes = sizes.into_iter().find(|one| one.dataset == dataset).expect("a dataset");
            let checkpoint = store.checkpoint(&function).await.expect("a checkpoint").value;
            let resume = store.resume_state(&function).await.expect("a resume state");
            let mut runs = store.runs_of(&function, 100_000).await.expect("runs");
            runs.extend(store.runs_of(&sync.handler(), 100_000).await.expect("runs"));
            let counts = runs.iter().filter_map(|run| run.totals.models.get(sync.model()));
            let total: i64 = counts.map(|one| one.added.cast_signed() - one.deleted.cast_signed()).sum();
            // A scan that was left open would be gone on with.
            let lease = Duration::from_secs(5);
            let new = NewRun { key: function.clone(), connection: None, exclusive: true, lease };
            let run = store.start_run(new).await.expect("a run");
            let scan = store.begin_scan(&run, &function, &dataset, ScanFrom::LeftOpen).await.expect("a scan");
            let closed = FinishScan { run, function, dataset, scan, confirm: 1, complete: false, resume: None };
            store.finish_scan(closed).await.expect("a closed scan");
            let logs = Vec::new();
            let status = RunStatus::Success;
            let end = RunEnd { status, error: None, requests: 0, logs, checkpoint: None, resume: None };
            store.end_run(&run, end).await.expect("an end");
            (rows, sizes, checkpoint, resume, scan.resumed, total)
        });
        let expect = texts(&self.upstream.collection(sync.name()));
        let (mut live, mut bytes, mut seen) = (BTreeMap::new(), 0, BTreeMap::new());
        for row in &rows {
            assert!(seen.insert(row.id.clone(), ()).is_none(), "{} is there twice", row.id);
            let payload = row.payload.as_ref().expect("a payload");
            if row.deleted_at.is_none() {
                bytes += payload.len() as u64;
                live.insert(row.id.clone(), String::from_utf8_lossy(payload).into_owned());
            } else {
                assert!(!expect.contains_key(&row.id), "{} lives at the API and is deleted here", row.id);
            }
        }
        assert_eq!((sizes.live, sizes.bytes), (live.len() as u64, bytes), "sizes and their recount");
        same(&texts(&live), &expect, "the cache and the API");
        assert_eq!(total, i64::try_from(live.len()).expect("a count"), "added less deleted, and what lives");
        assert_eq!((checkpoint, resume, resumed), (None, None, false), "checkpoint, resume state, an open scan");
        self.verify_replica(sync);
        self.courses[sync as usize].before = self.upstream.collection(sync.name());
        self.courses[sync as usize].counted = self.recount(sync);
    }

    /// The reader that only ever followed its cursor holds what the API has.
    pub(super) fn verify_replica(&mut self, sync: Sync) {
        let replica = &mut self.courses[sync as usize].replica;
        replica.read(&self.registry, sync, None);
        same(&replica.live, &texts(&self.upstream.collection(sync.name())), "the replica and the API");
    }

    /// The reader of a sync.
    pub(super) fn replica(&mut self, sync: Sync) -> &mut Replica {
        &mut self.courses[sync as usize].replica
    }

    fn recount(&self, sync: Sync) -> ModelCounts {
        self.look(move |store| async move {
            let mut total = ModelCounts::default();
            for run in store.runs_of(&sync.function(), 100_000).await.expect("runs") {
                let counts = run.totals.models.get(sync.model()).copied().unwrap_or_default();
                total.added += counts.added;
                total.updated += counts.updated;
                total.deleted += counts.deleted;
            }
            total
        })
    }
}

/// Compares by what differs: whole maps of thousands of records help nobody.
#[track_caller]
fn same(found: &BTreeMap<String, String>, expect: &BTreeMap<String, String>, what: &str) {
    let differs = |(id, text): (&String, &String), other: &BTreeMap<String, String>| {
        (other.get(id) != Some(text)).then(|| id.clone())
    };
    let extra: Vec<_> = found.iter().filter_map(|one| differs(one, expect)).collect();
    let missing: Vec<_> = expect.iter().filter_map(|one| differs(one, found)).collect();
    assert!(extra.is_empty() && missing.is_empty(), "{what}: too many or old {extra:?}, missing {missing:?}");
}
