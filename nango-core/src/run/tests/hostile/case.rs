//! One case: a list, an API over it, several runs with changes, faults and interruptions, and what each must leave.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use serde_json::{Value, json};

use super::{
    super::House,
    api::{Api, World},
    dice::Dice,
    style::{Carrier, Style},
    upstream::{Order, Upstream},
};
use crate::{
    config::Limits,
    declare::{
        ConfirmRequest, Deletes, Endpoint, Item, Location, MapRecord, Mapper, Merging, OnInvalid, Pagination, Registry,
        Since, SinceFormat, SinceFrom, SyncDef, SyncRun,
    },
    error::{Error, ErrorKind, Result},
    model::{Batch, Record},
    nango::Stop,
    run::{Instance, RunReport, Target, Unobserved, execute},
    store::{BASE_VARIANT, DatasetKey, LastAction, ReadQuery},
};

/// A record of the hostile API.
#[crate::model]
struct HostileItem {
    /// Its id.
    id: String,
    /// How often it changed.
    version: u64,
}

fn map(raw: &str, batch: &mut Batch) -> Result<()> {
    let value: Value = serde_json::from_str(raw).map_err(|error| Error::new(ErrorKind::Decode, error))?;
    let id = value["id"].to_string();
    let version = value["version"].as_u64().unwrap_or_default();
    batch.push(&HostileItem { id, version }).map_err(|error| Error::new(ErrorKind::Record, error))
}

/// The settings of one case.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) style: Style,
    pub(super) order: Order,
    pub(super) size: usize,
    /// The chance of a change of each kind behind each answer, in percent.
    pub(super) churn: u64,
    pub(super) faults: u64,
    pub(super) runs: u64,
    pub(super) since: Option<SinceFrom>,
    pub(super) request: Option<&'static ConfirmRequest>,
}

impl Setting {
    pub(super) fn random(dice: &mut Dice) -> Self {
        let order =
            dice.one_of(&[Order::Append, Order::Append, Order::NewestFirst, Order::UpdatedLast, Order::UpdatedFirst]);
        let plain = dice.percent(40);
        Self {
            style: Style::random(dice, order.is_stable()),
            order,
            size: if plain { 100 } else { 20 + dice.at(60) },
            churn: dice.one_of(&[0, 5, 10, 10, 10, 30]),
            faults: dice.one_of(&[0, 0, 3, 8]),
            runs: 4 + dice.roll(5),
            since: dice.one_of(&[None, None, Some(SinceFrom::RunStart), Some(SinceFrom::Field("updated_at"))]),
            request: None,
        }
    }

    fn sync(&self) -> Item {
        let mapper: &'static Mapper = Box::leak(Box::new(Mapper {
            endpoint: Endpoint::Fixed("/items"),
            paginate: Some(self.style.paginate()),
            retries: 0,
            since: self.since.map(|from| Since {
                param: "since",
                format: SinceFormat::Unix,
                from,
                overlap: 0,
                full_every: None,
            }),
            on_invalid: OnInvalid::Fail,
            map: MapRecord::Plain(map),
        }));
        Item::Sync(Box::leak(Box::new(SyncDef {
            at: Location { file: "src/hostile.rs", line: 1 },
            integration: "acme",
            name: "hostile",
            description: "",
            version: "0.0.1",
            frequency: None,
            auto_start: false,
            track_deletes: true,
            deletes: Deletes { request: self.request, hold: 0, ..Deletes::standard() },
            merging: Merging::Newer,
            scopes: &[],
            models: &[HostileItem::RECORD],
            checkpoint: None,
            metadata: None,
            run: SyncRun::Mapper(mapper),
        })))
    }

    /// Whether no live record may ever be a tombstone.
    fn is_proof(&self) -> bool {
        self.request.is_some()
            || (self.style.is_token() && self.order.is_stable())
            || self.style.carrier == Carrier::Single
    }
}

/// The counts of all cases.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) walks: u64,
    pub(super) complete: u64,
    pub(super) deleted: u64,
    pub(super) faults: u64,
    pub(super) resumed: u64,
    /// Walks whose rate of false deletes is judged, and their false deletes.
    pub(super) judged: (u64, u64),
    /// Other position-based walks and their false deletes.
    pub(super) others: (u64, u64),
    /// Updates that incremental runs alone did not bring.
    pub(super) late_updates: u64,
}

/// How often in a row a record was missed, as the oracle counts.
#[derive(Debug, Default, Clone)]
struct Missed {
    walks: u64,
    needed: u64,
    shifted: bool,
}

/// Prints the seed, the settings and the last requests of a case that fails.
struct Trail {
    seed: u64,
    setting: String,
    world: Arc<Mutex<World>>,
}

impl Drop for Trail {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let world = self.world.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let lines: Vec<&str> = world.trace.iter().map(String::as_str).collect();
            println!("NANGO_TEST_SEED={}\n{}\n{}", self.seed, self.setting, lines.join("\n"));
        }
    }
}

struct Case<'a> {
    setting: Setting,
    house: House,
    api: Api,
    missed: BTreeMap<u64, Missed>,
    tombstones: BTreeSet<u64>,
    counts: &'a mut Counts,
}

/// Plays a case of a seed.
pub(super) async fn play(seed: u64, setting: Option<Setting>, counts: &mut Counts) {
    let mut dice = Dice::new(seed);
    let setting = setting.unwrap_or_else(|| Setting::random(&mut dice));
    let world = World::new(dice, Upstream::new(setting.order, setting.size), setting.style.clone());
    let world = Arc::new(Mutex::new(world));
    let _trail = Trail { seed, setting: format!("{setting:?}"), world: world.clone() };
    let api = Api(world);
    let registry = Registry::from_items([setting.sync()]).unwrap();
    let house = House::of(registry, "https://api.test", Limits::default()).await.with_transport(Arc::new(api.clone()));
    house.connect(json!({})).await.unwrap();
    let (missed, tombstones) = (BTreeMap::new(), BTreeSet::new());
    let mut case = Case { setting, house, api, missed, tombstones, counts };
    case.changing().await;
    case.quiet().await;
}

impl Case<'_> {
    fn world(&self) -> MutexGuard<'_, World> {
        self.api.0.lock().unwrap()
    }

    /// Runs while the list changes and the API misbehaves.
    async fn changing(&mut self) {
        for number in 0..self.setting.runs {
            let (full, restart) = {
                let mut world = self.world();
                world.churn = self.setting.churn;
                // The first run is whole in half of the cases.
                world.faults = if number == 0 { 0 } else { self.setting.faults };
                if world.dice.percent(15) {
                    let stop = (1 + world.dice.roll(8), Stop::default());
                    world.stop = Some(stop);
                }
                (world.dice.percent(20), world.dice.percent(20))
            };
            if restart {
                self.restart();
            }
            self.run(full).await;
            let mut world = self.world();
            let World { upstream, dice, .. } = &mut *world;
            upstream.now += 60;
            upstream.refill(dice);
        }
    }

    /// A new process over the same database.
    fn restart(&mut self) {
        let Instance { registry, transport, .. } = &*self.house.instance;
        self.house.instance = self.house.rebuilt(registry.clone(), transport.clone());
    }

    /// Runs without changes and faults: what is wrong is repaired, and what is gone is deleted.
    async fn quiet(&mut self) {
        {
            let mut world = self.world();
            (world.churn, world.faults, world.stop) = (0, 0, None);
            world.note("quiet".to_owned());
        }
        let fair = self.setting.style.is_well_behaved();
        if self.setting.since.is_some() {
            for _ in 0..3 {
                self.run(false).await;
            }
            let late = self.differences().await;
            if fair && self.setting.is_proof() && !self.setting.style.null_when_empty {
                assert!(late.is_empty(), "incremental runs lost {late:?}");
            }
            self.counts.late_updates += late.len() as u64;
        }
        for number in 0..5 {
            let report = self.run(true).await;
            let end = report.findings.walk.as_ref();
            if fair {
                assert!(report.error.is_none(), "{:?}", report.error);
                assert!(end.is_some_and(|end| end.outcome.is_complete()), "quiet run {number}: {end:?}");
                // One that resumed may have begun while the list changed.
                if number >= 1 || self.world().from_start {
                    let late = self.differences().await;
                    assert!(late.is_empty(), "a full run lacks {late:?}");
                }
            }
        }
        if fair {
            let live = self.stored().await;
            let world = self.world();
            let there: BTreeSet<u64> =
                world.upstream.live.iter().map(|entry| entry.id).filter(|id| world.sees(*id)).collect();
            let stale: Vec<_> = live.keys().filter(|id| !there.contains(id)).collect();
            assert!(stale.is_empty(), "nothing deletes {stale:?}");
        }
    }

    async fn run(&mut self, full: bool) -> RunReport {
        let before = self.stored().await;
        let stop = {
            let mut world = self.world();
            world.faulted.clear();
            // A page of an earlier attempt that comes again cannot be recognised: only its resume point was kept.
            world.forget_last();
            world.from_start = false;
            world.note(format!("run, full: {full}"));
            world.stop.as_ref().map_or_else(Stop::default, |(_, stop)| stop.clone())
        };
        let mut request = House::request(Target::Sync("hostile".into()));
        request.full = full;
        let report = execute(&self.house.instance, request, stop.clone(), Arc::new(Unobserved)).await.unwrap();
        let end = report.findings.walk.clone();
        let line = format!("→ {:?} {:?} {:?}", report.status, end, report.error.as_ref().map(ToString::to_string));
        self.world().note(line);
        self.world().stop = None;
        self.judge(&report, &before, stop.is_stopped()).await;
        report
    }

    async fn judge(&mut self, report: &RunReport, before: &BTreeMap<u64, u64>, stopped: bool) {
        let after = self.stored().await;
        let proof = self.setting.is_proof();
        let single = self.setting.style.carrier == Carrier::Single;
        let token = single || (self.setting.style.is_token() && self.setting.order.is_stable());
        let buried = self.buried().await;
        let mut world = self.api.0.lock().unwrap();
        let world = &mut *world;
        let end = report.findings.walk.as_ref().filter(|_| report.error.is_none());
        let complete = end.is_some_and(|end| end.outcome.is_complete());
        let counts = &mut *self.counts;
        counts.walks += 1;
        counts.complete += u64::from(complete);
        counts.faults += world.faulted.len() as u64;
        counts.resumed += u64::from(!world.from_start);

        if complete && world.from_start {
            let fatal = world.faulted.iter().find(|fault| fault.is_fatal());
            assert!(fatal.is_none(), "a walk with {fatal:?} is {end:?}");
        }
        let Seen { required, served, since } = Seen::of(world);
        if complete && token {
            let lacks: Vec<_> = required.iter().filter(|id| !served.contains(id)).collect();
            assert!(lacks.is_empty(), "a complete walk lacks {lacks:?}");
            let unkept: Vec<_> = required.iter().filter(|id| !after.contains_key(id)).collect();
            assert!(unkept.is_empty(), "the cache lacks {unkept:?}");
        }
        if let Some(end) = end.filter(|end| end.pages > 1) {
            let reported = end.pagination == Pagination::Token;
            assert_eq!(reported, self.setting.style.is_token(), "{end:?}");
        }

        // What a run saw is not missed; a run that was stopped may have dropped its last pages.
        if !stopped {
            self.missed.retain(|id, _| !served.contains(id));
        }
        if let Some(end) = end.filter(|_| complete && since.is_none()) {
            let position = end.pagination == Pagination::Position && end.pages > 1;
            let needed = if position { if end.pages > 50 { 3 } else { 2 } } else { 1 };
            for id in before.keys().filter(|id| !served.contains(id)) {
                let missed = self.missed.entry(*id).or_default();
                missed.walks += 1;
                missed.needed = missed.needed.max(needed);
                missed.shifted |= end.shifted && position;
            }
        }
        let mut wrong = 0;
        for id in buried.iter().filter(|id| !self.tombstones.contains(id)) {
            let lives = !world.upstream.deleted.contains(id);
            if lives {
                wrong += 1;
                assert!(!proof, "{id} is a tombstone and lives");
            }
            counts.deleted += u64::from(!lives);
            if self.setting.request.is_none() {
                let missed = self.missed.get(id).cloned().unwrap_or_default();
                let confirmed = missed.walks >= missed.needed.max(1) + u64::from(missed.shifted);
                // An interrupted attempt may have been served a page that it did not keep.
                let unkept = !world.from_start && !lives;
                assert!(confirmed || unkept, "{id} (lives: {lives}) is a tombstone after {missed:?}");
            }
        }
        self.tombstones = buried;
        if !self.setting.style.is_token() || !self.setting.order.is_stable() {
            let plain =
                self.setting.style.is_plain_by_number() && self.setting.order.is_stable() && self.setting.churn <= 10;
            let group = if plain { &mut counts.judged } else { &mut counts.others };
            group.0 += 1;
            group.1 += wrong;
            if wrong > 0 {
                println!("{wrong} false deletes: {:?}", self.setting);
            }
        }
    }

    /// The live records of the cache, and their versions.
    async fn stored(&self) -> BTreeMap<u64, u64> {
        let rows = self.rows().await.into_iter().filter(|(_, _, action)| *action != LastAction::Deleted);
        rows.map(|(id, version, _)| (id, version)).collect()
    }

    async fn buried(&self) -> BTreeSet<u64> {
        let rows = self.rows().await.into_iter().filter(|(_, _, action)| *action == LastAction::Deleted);
        rows.map(|(id, _, _)| id).collect()
    }

    async fn rows(&self) -> Vec<(u64, u64, LastAction)> {
        let dataset = DatasetKey {
            integration: "acme".into(),
            connection: "one".into(),
            model: "HostileItem".into(),
            variant: BASE_VARIANT.into(),
        };
        let query = ReadQuery { limit: 10_000, ..ReadQuery::default() };
        let page = self.house.instance.store.read(&dataset, query).await.unwrap();
        let version = |payload: &[u8]| serde_json::from_slice::<Value>(payload).unwrap()["version"].as_u64().unwrap();
        page.records
            .iter()
            .map(|row| (row.id.parse().unwrap(), row.payload.as_deref().map_or(0, version), row.last_action))
            .collect()
    }

    /// The records that the cache lacks or has as they were.
    async fn differences(&self) -> Vec<u64> {
        let stored = self.stored().await;
        let world = self.world();
        let there = world.upstream.live.iter().filter(|entry| world.sees(entry.id));
        there.filter(|entry| stored.get(&entry.id) != Some(&entry.version)).map(|entry| entry.id).collect()
    }
}

/// The records that a walk must have seen, and those that it saw.
struct Seen {
    required: Vec<u64>,
    served: BTreeSet<u64>,
    since: Option<i64>,
}

impl Seen {
    fn of(world: &World) -> Self {
        let walk = &world.walk;
        let required = walk.at_start.iter().copied().filter(|id| !world.upstream.deleted.contains(id)).collect();
        Self { required, served: walk.served.clone(), since: walk.since }
    }
}
