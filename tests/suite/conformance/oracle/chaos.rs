//! Random operations in any order: pages of several writes by several runs, requested now or long ago, with correct and
//! outdated checkpoints; scans that are opened, resumed, closed by others and finished; runs that end and restart, and
//! old tokens that still write; resets; maintenance of payloads and rows; readers in between.

mod deletes;
mod maintenance;
mod parents;
mod random;

use std::collections::HashMap;

use nango_core::Timestamp;
use nango_tests::{
    internal::{
        declare::Merging,
        store::{
            CheckpointWrite, DatasetKey, DeleteRow, ModelCounts, ResumeWrite, RowOutcome, RunStatus, RunToken, Scan,
            ScanFrom, SharedStore, StoreError, StoredCheckpoint, Write,
        },
    },
    rng::{self, Rng},
    step_log::StepLog,
};
use serde_json::json;

use random::{random_doc, random_fields, random_time};

use super::{
    expected::{Expected, WriteContext, count},
    random_ids,
    readers::{Replica, check_random_query, check_sizes, cursor_seq, read_feed},
    step_count,
};
use crate::conformance::support::{
    Doc, TestStore, TestSync, assert_lease_lost, batch, patch_row, row_outcomes, run_end, tick,
};

const ACTORS: [&str; 3] = ["issues", "other", "webhook"];
/// Models of the datasets that each actor writes.
const MODELS: [&str; 2] = ["Doc", "Part"];

/// A function, its run, and the state that it expects in the database.
struct Actor<'a> {
    sync: TestSync<'a>,
    /// By dataset.
    counts: [ModelCounts; MODELS.len()],
    pages: u64,
    /// The scan of each dataset that the actor considers to be its own.
    scans: [Option<Scan>; MODELS.len()],
    checkpoint: StoredCheckpoint,
    resume: Option<Vec<u8>>,
}

struct Chaos<'a> {
    store: &'a SharedStore,
    rng: Rng,
    step_log: StepLog,
    /// By dataset. The parents are the same in each.
    expected: [Expected; MODELS.len()],
    actors: Vec<Actor<'a>>,
    /// Tokens of runs that ended.
    ended_runs: Vec<RunToken>,
    /// Half of them read each dataset, see [`Self::dataset_of_reader`].
    readers: [Replica; 4],
    /// The database time before each step.
    step_times: Vec<Timestamp>,
    /// Cursors that the feed of each dataset returned.
    cursors: [Vec<String>; MODELS.len()],
    /// The record that was read at each sequence of a dataset, and its timestamp: a sequence is assigned once, even if
    /// its record is erased.
    seq_owners: HashMap<(usize, i64), (String, Timestamp)>,
}

pub(in crate::conformance) async fn random_work_matches_model(store: TestStore) {
    let seed = rng::seed();
    let mut actors = Vec::new();
    for name in ACTORS {
        actors.push(Actor::begin(&store, name).await);
    }
    let mut chaos = Chaos {
        store: &store,
        rng: Rng::new(seed),
        step_log: StepLog::new(format!("NANGO_TEST_SEED={seed}")),
        expected: Default::default(),
        actors,
        ended_runs: Vec::new(),
        readers: Default::default(),
        step_times: Vec::new(),
        cursors: Default::default(),
        seq_owners: HashMap::new(),
    };
    for step in 0..step_count(2_000) {
        chaos.step_log.step = step;
        chaos.step().await;
    }
    for reader in 0..chaos.readers.len() {
        chaos.read(reader, u64::MAX).await;
    }
}

impl<'a> Actor<'a> {
    async fn begin(store: &'a SharedStore, name: &str) -> Self {
        let sync = TestSync::begin(store, name).await;
        let checkpoint = StoredCheckpoint::default();
        Self { sync, counts: Default::default(), pages: 0, scans: Default::default(), checkpoint, resume: None }
    }
}

impl Chaos<'_> {
    async fn step(&mut self) {
        // The clock advances before and after the recorded time of the step, so that a write is newer or older than it.
        self.step_times.push(tick(self.store).await);
        tick(self.store).await;
        let (actor, dataset) = (self.rng.index(ACTORS.len()), self.rng.index(MODELS.len()));
        match self.rng.below(100) {
            0..40 => self.commit_page(actor).await,
            40..45 => self.write_parents(actor).await,
            45..55 => self.begin_scan(actor, dataset).await,
            55..63 => self.finish_scans(actor).await,
            63..67 => self.restart_run(actor).await,
            67..69 => self.write_with_ended_token(actor).await,
            69..71 => self.reset(actor).await,
            71..73 => self.set_checkpoint(actor).await,
            73..76 => self.prune(dataset).await,
            76 => self.erase(dataset).await,
            77 if self.rng.one_in(3) => self.empty(dataset).await,
            77..80 => self.check_pending_deletes(dataset).await,
            80..86 => {
                let (key, cursors) = (self.dataset(dataset), &self.cursors[dataset]);
                let text = check_random_query(self.store, &key, &mut self.rng, cursors, &self.step_times).await;
                self.step_log.note(&text);
            }
            _ => {
                let (reader, pages) = (self.rng.index(self.readers.len()), self.rng.below(5));
                self.read(reader, pages).await;
            }
        }
    }

    fn dataset(&self, index: usize) -> DatasetKey {
        DatasetKey { model: MODELS[index].to_owned(), ..self.actors[0].sync.dataset.clone() }
    }

    /// Returns the index of the dataset that a reader reads.
    fn dataset_of_reader(reader: usize) -> usize {
        reader % MODELS.len()
    }

    /// Returns the sync of an actor, for one of its datasets.
    fn sync(&self, actor: usize, dataset: usize) -> TestSync<'_> {
        let TestSync { store, key, run, .. } = &self.actors[actor].sync;
        TestSync { store, key: key.clone(), run: *run, dataset: self.dataset(dataset) }
    }

    fn write_context(&self, actor: usize) -> WriteContext {
        WriteContext {
            run: self.actors[actor].sync.run.row,
            step: self.step_log.step,
            requested: None,
            full_walk: None,
            parent: None,
        }
    }

    async fn commit_page(&mut self, actor: usize) {
        let step = self.step_log.step;
        let requested = if self.rng.one_in(3) { step - self.rng.index(step.min(60) + 1) } else { step };
        let merging = if self.rng.one_in(4) { Merging::Override } else { Merging::Newer };
        // With few walk numbers, walks often return records that another walk, or the same one, has returned.
        let full_walk = self.rng.one_in(2).then(|| i64::try_from(self.rng.below(3)).unwrap());
        let newer = (merging == Merging::Newer).then_some(requested);
        let parent = self.random_parent();
        let at = WriteContext { requested: newer, full_walk, parent, ..self.write_context(actor) };
        let (mut after, mut writes, mut outcomes) = (self.expected.clone(), Vec::new(), Vec::new());
        let (mut datasets, mut counts) = (Vec::new(), self.actors[actor].counts);
        for _ in 0..=self.rng.below(3) {
            let dataset = self.rng.index(MODELS.len());
            let (write, rows) = self.draw_write(&mut after[dataset], at);
            count(&mut counts[dataset], &rows);
            datasets.push(self.dataset(dataset));
            writes.push(write);
            outcomes.extend(rows);
        }
        let Actor { sync, checkpoint, .. } = &self.actors[actor];
        let mut page = sync.page(writes);
        page.requested_at = self.step_times[requested];
        for (change, dataset) in page.changes.iter_mut().zip(datasets) {
            change.dataset = dataset;
            (change.merging, change.full_walk, change.parent) = (merging, full_walk, parent.map(parents::key));
        }
        if self.rng.one_in(5) {
            // One in four checkpoints was read before another run wrote it.
            let expected = checkpoint.version - i64::from(self.rng.one_in(4));
            let value = (!self.rng.one_in(4)).then(|| json!({ "step": step }));
            page.checkpoint = Some(CheckpointWrite { value, expected });
        }
        if self.rng.one_in(8) {
            let state = ResumeWrite::Set(step.to_be_bytes().to_vec());
            page.resume = Some(if self.rng.one_in(3) { ResumeWrite::Clear } else { state });
        }
        let (new_checkpoint, new_resume) = (page.checkpoint.clone(), page.resume.clone());
        let committed = self.store.commit(page).await;
        let actor_name = ACTORS[actor];
        self.step_log.note(&format!("{actor_name} pages, requested in {requested}, {merging:?}: {outcomes:?}"));
        let actor = &mut self.actors[actor];
        if let Some(write) = &new_checkpoint {
            if write.expected != actor.checkpoint.version {
                let conflict = matches!(committed, Err(StoreError::CheckpointConflict { .. }));
                assert!(conflict, "{committed:?}");
                return;
            }
            actor.checkpoint.version += 1;
            actor.checkpoint.value.clone_from(&write.value);
        }
        match new_resume {
            Some(ResumeWrite::Set(state)) => actor.resume = Some(state),
            Some(ResumeWrite::Clear) => actor.resume = None,
            None => {}
        }
        assert_eq!(row_outcomes(committed.unwrap()), outcomes);
        actor.counts = counts;
        actor.pages += 1;
        self.expected = after;
    }

    fn draw_write(&mut self, after: &mut Expected, at: WriteContext) -> (Write, Vec<RowOutcome>) {
        let rng = &mut self.rng;
        let ids = random_ids(rng);
        match rng.below(8) {
            7 => {
                let docs: Vec<Doc> = ids.iter().map(|id| random_doc(rng, id)).collect();
                (Write::Replace(batch(&docs)), after.replace(at, &docs))
            }
            6 => {
                let outcomes = after.mark_seen(at, &ids);
                (Write::Seen(ids), outcomes)
            }
            0..3 => {
                let docs: Vec<Doc> = ids.iter().map(|id| random_doc(rng, id)).collect();
                (Write::Save(batch(&docs)), after.save(at, &docs))
            }
            3 => {
                let rows = ids.into_iter().map(|id| DeleteRow {
                    id,
                    deleted_at: rng.one_in(2).then(|| Timestamp::from_micros(random_time(rng))),
                });
                let rows: Vec<_> = rows.collect();
                let outcomes = after.delete(at, &rows);
                (Write::Delete(rows), outcomes)
            }
            _ => {
                let fields = random_fields(rng);
                let outcomes = after.patch(at, &ids, &fields);
                let rows = ids.iter().map(|id| patch_row(id, fields.clone()));
                (Write::Patch(rows.collect()), outcomes)
            }
        }
    }

    async fn begin_scan(&mut self, actor: usize, dataset: usize) {
        let from = match (self.rng.below(3), self.actors[actor].scans[dataset]) {
            (0, _) => ScanFrom::Unfinished,
            (1, Some(scan)) => ScanFrom::Number(scan.number),
            _ => ScanFrom::Start,
        };
        let is_early = self.rng.one_in(2);
        let scan = self.sync(actor, dataset).begin_scan(from, is_early).await;
        let (name, model) = (ACTORS[actor], MODELS[dataset]);
        self.step_log.note(&format!("{name} begins to scan {model} from {from:?}, {is_early}: {scan:?}"));
        let open = self.expected[dataset].scan.as_ref().filter(|open| {
            open.owner == actor
                && match from {
                    ScanFrom::Start => false,
                    ScanFrom::Unfinished => true,
                    ScanFrom::Number(number) => number == open.number,
                }
        });
        assert_eq!(scan.resumed, open.is_some());
        if let Some(open) = open {
            assert_eq!(scan.number, open.number);
        } else {
            self.expected[dataset].begin_scan(scan.number, actor, self.step_log.step, is_early);
        }
        self.actors[actor].scans[dataset] = Some(scan);
    }

    /// Ends a run with a random status, and starts the function again.
    async fn restart_run(&mut self, actor: usize) {
        let statuses = [RunStatus::Success, RunStatus::Interrupted, RunStatus::Error, RunStatus::Cancelled];
        let status = statuses[self.rng.index(statuses.len())];
        let ending = &self.actors[actor];
        let run = self.store.end_run(&ending.sync.run, run_end(status)).await.unwrap();
        self.step_log.note(&format!("{} ends as {status:?}: {:?}", ACTORS[actor], run.totals));
        let counts = MODELS.map(|model| run.totals.models.get(model).copied().unwrap_or_default());
        assert_eq!((run.status, counts, run.totals.pages), (status, ending.counts, ending.pages));
        self.ended_runs.push(ending.sync.run);
        let next = Actor::begin(self.store, ACTORS[actor]).await;
        let ending = &mut self.actors[actor];
        (ending.sync, ending.counts, ending.pages) = (next.sync, next.counts, next.pages);
    }

    async fn write_with_ended_token(&mut self, actor: usize) {
        if self.ended_runs.is_empty() {
            return;
        }
        let run = self.ended_runs[self.rng.index(self.ended_runs.len())];
        let sync = &self.actors[actor].sync;
        let mut page = sync.page([Write::delete((0..30).map(|n| format!("r{n}")))]);
        page.run = run;
        assert_lease_lost(self.store.commit(page).await);
        assert_lease_lost(self.store.begin_scan(&run, &sync.key, &sync.dataset, ScanFrom::Start, false).await);
        self.step_log.note("an old token is refused");
    }

    async fn reset(&mut self, actor: usize) {
        self.step_log.note(&format!("{} is reset", ACTORS[actor]));
        self.store.reset(&self.actors[actor].sync.key).await.unwrap();
        for expected in &mut self.expected {
            if expected.scan.as_ref().is_some_and(|open| open.owner == actor) {
                expected.scan = None;
            }
            expected.reset_parents(actor);
        }
        let Actor { checkpoint, resume, .. } = &mut self.actors[actor];
        (checkpoint.value, *resume) = (None, None);
        checkpoint.version += i64::from(checkpoint.version > 0);
    }

    async fn set_checkpoint(&mut self, actor: usize) {
        let value = Some(json!({ "set": self.step_log.step }));
        self.step_log.note(&format!("{} gets a checkpoint from outside", ACTORS[actor]));
        let version = self.store.set_checkpoint(&self.actors[actor].sync.key, value.clone()).await.unwrap();
        let checkpoint = &mut self.actors[actor].checkpoint;
        assert_eq!(version, checkpoint.version + 1);
        *checkpoint = StoredCheckpoint { value, version };
    }

    /// Reads pages. At the end of the feed, the replica must equal the dataset, and all other state must match the
    /// model.
    async fn read(&mut self, reader: usize, pages: u64) {
        let of = Self::dataset_of_reader(reader);
        let dataset = self.dataset(of);
        let at_end = self.readers[reader].follow(self.store, &dataset, &mut self.rng, pages).await;
        self.step_log.note(&format!("reader {reader} reads {pages} pages, to the end: {at_end}"));
        if !at_end {
            return;
        }
        self.expected[of].assert_replica_matches(&self.readers[reader].rows);
        let feed = read_feed(self.store, &dataset).await;
        self.expected[of].assert_feed_matches(&feed);
        check_sizes(self.store, &dataset, &feed).await;
        for row in &feed {
            let current = (row.id.clone(), row.last_modified_at);
            let owner = self.seq_owners.entry((of, cursor_seq(&row.cursor))).or_insert_with(|| current.clone());
            assert_eq!(*owner, current, "a sequence was assigned twice");
        }
        self.cursors[of].extend(feed.last().map(|last| last.cursor.clone()));
        self.check_parents().await;
        for actor in &self.actors {
            assert_eq!(self.store.checkpoint(&actor.sync.key).await.unwrap(), actor.checkpoint);
            assert_eq!(self.store.resume_state(&actor.sync.key).await.unwrap(), actor.resume);
        }
    }
}
