//! An API whose records come, change and go, a walk over it in parts, and handlers that tell of some changes.
//!
//! Pages are in flight: the API and the handlers go on between the request of a page and its commit. A walk is
//! interrupted now and then and gone on with by another run. Whatever happens, a record that lived at the API all through
//! a walk is not deleted by it; and where every change was told, the cache is the API.

use std::{collections::BTreeMap, ops::Bound};

use super::{
    Dice, Trail,
    readers::{Held, Replica, held, sizes_are_a_recount, whole},
    steps,
};
use crate::store::{
    RowOutcome, RunStatus, Scan, ScanFrom, SharedStore, Write,
    conformance::support::{Doc, Opened, Sync, batch, doc, ended, rows, tick},
};

/// A record of the API, and since when it has been there without a gap.
#[derive(Debug, Clone)]
struct There {
    doc: Doc,
    since: usize,
}

struct Walk {
    scan: Scan,
    began: usize,
    /// The last id of the last page.
    place: Option<String>,
}

struct World<'a> {
    store: &'a SharedStore,
    dice: Dice,
    trail: Trail,
    api: BTreeMap<String, There>,
    /// When records went that are not there.
    gone: BTreeMap<String, usize>,
    walker: Sync<'a>,
    handler: Sync<'a>,
    walk: Option<Walk>,
    /// Whether handlers tell of every change.
    told: bool,
    replica: Replica,
}

pub(in crate::store::conformance) async fn walks_bury_nobody_who_lives(store: Opened) {
    for told in [true, false] {
        let (dice, seed) = Dice::new();
        let mut world = World {
            store: &store,
            dice,
            trail: Trail::new(seed),
            api: BTreeMap::new(),
            gone: BTreeMap::new(),
            walker: Sync::begin(&store, "walker").await,
            handler: Sync::begin(&store, "handler").await,
            walk: None,
            told,
            replica: Replica::default(),
        };
        // What the first world left is not at the API of the second: its first walk deletes it.
        let mut walks = 0;
        for step in 0..steps(700) {
            world.trail.step = step;
            walks += u64::from(world.step().await);
        }
        assert!(walks > 3, "{walks} walks came to their end");
        world.end_quietly().await;
    }
}

impl World<'_> {
    /// Gives whether a walk came to its end.
    async fn step(&mut self) -> bool {
        match self.dice.roll(10) {
            0..3 => self.api_changes().await,
            3 => self.interrupt().await,
            4 => {
                let pages = self.dice.roll(4);
                self.replica.follow(self.store, &self.walker.dataset, &mut self.dice, pages).await;
            }
            _ => return self.walk_on().await,
        }
        false
    }

    /// A record comes, changes or goes, and perhaps a handler tells of it.
    async fn api_changes(&mut self) {
        let id = format!("r{:02}", self.dice.roll(60));
        let step = self.trail.step;
        let told = self.told || self.dice.once_in(2);
        tick(self.store).await;
        let write = if self.dice.once_in(3) {
            if self.api.remove(&id).is_some() {
                self.gone.insert(id.clone(), step);
            }
            self.trail.note(&format!("{id} goes, told: {told}"));
            Write::delete([id])
        } else {
            let there = doc(&id, self.dice.roll(1000));
            let since = self.api.get(&id).map_or(step, |there| there.since);
            self.api.insert(id.clone(), There { doc: there.clone(), since });
            self.gone.remove(&id);
            self.trail.note(&format!("{id} is {}, told: {told}", there.n));
            Write::Save(batch(&[there]))
        };
        if told {
            tick(self.store).await;
            self.handler.commit(write).await;
            if self.dice.once_in(9) {
                self.store.end_run(&self.handler.run, ended(RunStatus::Success)).await.unwrap();
                self.handler = Sync::begin(self.store, "handler").await;
            }
        }
    }

    async fn interrupt(&mut self) {
        self.store.end_run(&self.walker.run, ended(RunStatus::Interrupted)).await.unwrap();
        self.walker = Sync::begin(self.store, "walker").await;
        if let Some(walk) = &mut self.walk {
            let from = ScanFrom::Number(walk.scan.number);
            let Sync { run, key, dataset, .. } = &self.walker;
            walk.scan = self.store.begin_scan(run, key, dataset, from, false).await.unwrap();
            assert!(walk.scan.resumed);
            self.trail.note("the walk is interrupted and gone on with");
        }
    }

    /// Requests a page, lets the world go on, commits it.
    async fn walk_on(&mut self) -> bool {
        let Some(walk) = &self.walk else {
            let scan = self.walker.scan(false).await;
            self.walk = Some(Walk { scan, began: self.trail.step, place: None });
            self.trail.note("a walk begins");
            return false;
        };
        let requested_at = tick(self.store).await;
        let after = walk.place.as_ref().map_or(Bound::Unbounded, |id| Bound::Excluded(id.clone()));
        let size = 1 + self.dice.at(9);
        let docs: Vec<Doc> =
            self.api.range((after, Bound::Unbounded)).take(size).map(|(_, there)| there.doc.clone()).collect();
        for _ in 0..self.dice.roll(3) {
            self.api_changes().await;
        }
        let Some(last) = docs.last() else { return self.finish().await };
        let place = Some(last.id.clone());
        let mut page = self.walker.page([Write::Save(batch(&docs))]);
        page.requested_at = requested_at;
        let outcomes = rows(self.store.commit(page).await.unwrap());
        let ids: Vec<_> = docs.iter().map(|doc| &*doc.id).collect();
        self.trail.note(&format!("a page of {}: {outcomes:?}", ids.join(" ")));
        assert!(!outcomes.contains(&RowOutcome::Duplicate));
        if let Some(walk) = &mut self.walk {
            walk.place = place;
        }
        false
    }

    async fn finish(&mut self) -> bool {
        let Some(walk) = self.walk.take() else { return false };
        let finish = self.walker.finish(walk.scan, 1, true);
        let finished = self.store.finish_scan(finish).await.unwrap();
        self.trail.note(&format!("the walk ends: {finished:?}"));
        let cache = self.cache().await;
        for (id, there) in self.api.iter().filter(|(_, there)| there.since < walk.began) {
            let lives = cache.get(id).is_some_and(|(_, live)| *live);
            assert!(lives, "{id} lived all the time (since {}) and is deleted", there.since);
        }
        for (id, (_, live)) in &cache {
            let gone_before = !self.api.contains_key(id) && self.gone.get(id).is_none_or(|went| *went < walk.began);
            assert!(!(gone_before && *live), "{id} was not there for the whole walk and still lives");
        }
        if self.told {
            assert_eq!(living(cache), self.at_the_api());
        }
        true
    }

    /// Two walks while nothing changes: whatever was not told is known now.
    async fn end_quietly(&mut self) {
        self.walk = None;
        let scan = self.walker.scan(false).await;
        let docs: Vec<Doc> = self.api.values().map(|there| there.doc.clone()).collect();
        tick(self.store).await;
        self.walker.commit(Write::Save(batch(&docs))).await;
        self.store.finish_scan(self.walker.finish(scan, 1, true)).await.unwrap();
        let cache = self.cache().await;
        assert_eq!(living(cache.clone()), self.at_the_api());
        let dataset = &self.walker.dataset;
        assert!(self.replica.follow(self.store, dataset, &mut self.dice, u64::MAX).await);
        assert_eq!(self.replica.rows, cache);
        sizes_are_a_recount(self.store, dataset, &whole(self.store, dataset).await).await;
        for sync in [&self.walker, &self.handler] {
            self.store.end_run(&sync.run, ended(RunStatus::Success)).await.unwrap();
        }
    }

    async fn cache(&self) -> BTreeMap<String, Held> {
        let feed = whole(self.store, &self.walker.dataset).await;
        feed.iter().map(|row| (row.id.clone(), held(row))).collect()
    }

    fn at_the_api(&self) -> BTreeMap<String, Doc> {
        self.api.iter().map(|(id, there)| (id.clone(), there.doc.clone())).collect()
    }
}

fn living(cache: BTreeMap<String, Held>) -> BTreeMap<String, Doc> {
    cache.into_iter().filter(|(_, (_, live))| *live).filter_map(|(id, (doc, _))| Some((id, doc?))).collect()
}
