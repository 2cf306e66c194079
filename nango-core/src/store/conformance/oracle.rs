//! Random work against a model of it in a few lines: what a reader with a cursor holds is the dataset.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::support::*;
use crate::store::{ReadQuery, RowOutcome, ScanFinished, Write};

/// A generator of our own (`SplitMix64`), so that a seed means the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn ids(&mut self) -> Vec<String> {
        (0..self.roll(8)).map(|_| format!("r{}", self.roll(30))).collect()
    }
}

/// What the dataset must be: each record's content, and whether it lives.
#[derive(Default)]
struct Oracle {
    rows: BTreeMap<String, (Doc, bool)>,
    /// Ids that an open scan may not delete.
    seen: Option<BTreeSet<String>>,
}

impl Oracle {
    fn save(&mut self, docs: &[Doc]) -> Vec<RowOutcome> {
        let mut page = BTreeSet::new();
        let one = |doc: &Doc| {
            if !page.insert(doc.id.clone()) {
                return RowOutcome::Duplicate;
            }
            if let Some(seen) = &mut self.seen {
                seen.insert(doc.id.clone());
            }
            match self.rows.insert(doc.id.clone(), (doc.clone(), true)) {
                Some((old, true)) if old == *doc => RowOutcome::Unchanged,
                Some((_, true)) => RowOutcome::Updated,
                _ => RowOutcome::Added,
            }
        };
        docs.iter().map(one).collect()
    }

    fn change(&mut self, ids: &[String], change: impl Fn(&mut Doc, &mut bool) -> RowOutcome) -> Vec<RowOutcome> {
        let mut page = BTreeSet::new();
        let one = |id: &String| match self.rows.get_mut(id) {
            _ if !page.insert(id.clone()) => RowOutcome::Duplicate,
            Some((doc, live)) if *live => {
                let outcome = change(doc, live);
                if let (Some(seen), RowOutcome::Updated) = (&mut self.seen, outcome) {
                    seen.insert(id.clone());
                }
                outcome
            }
            _ => RowOutcome::Missing,
        };
        ids.iter().map(one).collect()
    }

    fn finish(&mut self) -> u64 {
        let seen = self.seen.take().unwrap_or_default();
        let gone = self.rows.iter_mut().filter(|(id, (_, live))| *live && !seen.contains(*id));
        gone.map(|(_, (_, live))| *live = false).count() as u64
    }
}

/// What a reader holds that only ever followed its cursor.
#[derive(Default)]
struct Replica {
    rows: BTreeMap<String, (Doc, bool)>,
    cursor: Option<String>,
}

impl Replica {
    async fn follow(&mut self, sync: &Sync<'_>, limit: u32, pages: u64) {
        for _ in 0..pages {
            let query = ReadQuery { cursor: self.cursor.clone(), limit, ..ReadQuery::default() };
            let page = read(sync.store, &sync.dataset, query).await;
            for row in page.records {
                let doc: Doc = serde_json::from_slice(row.payload.as_deref().unwrap()).unwrap();
                self.rows.insert(row.id, (doc, row.deleted_at.is_none()));
                self.cursor = Some(row.cursor);
            }
            if page.next_cursor.is_none() {
                break;
            }
            assert_eq!(page.next_cursor, self.cursor);
        }
    }
}

pub(super) async fn random_work_converges(store: Opened) {
    let seed = u64::from(std::process::id()) << 32 | u64::try_from(store.now()).unwrap() & 0xffff_ffff;
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let (mut oracle, mut replica) = (Oracle::default(), Replica::default());
    let sync = Sync::begin(&store, "issues").await;
    let mut scan = None;
    for step in 0..600 {
        let ids = dice.ids();
        match dice.roll(10) {
            0..4 => {
                let docs: Vec<_> = ids
                    .iter()
                    .map(|id| Doc { title: (dice.roll(3) > 0).then(|| "t".to_owned()), ..doc(id, dice.roll(3)) })
                    .collect();
                assert_eq!(sync.commit(Write::Save(batch(&docs))).await, oracle.save(&docs), "step {step}");
            }
            4 => {
                let expect = oracle.change(&ids, |_, live| {
                    *live = false;
                    RowOutcome::Deleted
                });
                assert_eq!(sync.commit(Write::Delete(ids)).await, expect, "step {step}");
            }
            5 | 6 => {
                let n = dice.roll(3);
                let expect = oracle.change(&ids, |doc, _| {
                    let new = Doc { n, title: Some("t".to_owned()), ..doc.clone() };
                    let outcome = if new == *doc { RowOutcome::Unchanged } else { RowOutcome::Updated };
                    *doc = new;
                    outcome
                });
                let fields = json!({ "n": n, "title": "t" }).as_object().unwrap().clone();
                let patches = ids.into_iter().map(|id| crate::store::PatchRow { id, fields: fields.clone() });
                assert_eq!(sync.commit(Write::Patch(patches.collect())).await, expect, "step {step}");
            }
            7 => match scan.take() {
                None => {
                    scan = Some(sync.scan(false).await);
                    oracle.seen = Some(BTreeSet::new());
                }
                Some(open) => {
                    let deleted = oracle.finish();
                    let done = store.finish_scan(sync.finish(open, 1, true)).await.unwrap();
                    assert_eq!(done, ScanFinished { deleted, unconfirmed: 0 }, "step {step}");
                }
            },
            _ => replica.follow(&sync, u32::try_from(dice.roll(5)).unwrap(), dice.roll(4)).await,
        }
    }
    replica.follow(&sync, 3, u64::MAX).await;
    assert_eq!(replica.rows, oracle.rows);
    let live: Vec<_> = oracle.rows.values().filter(|(_, live)| *live).map(|(doc, _)| doc).collect();
    let stats = store.datasets(None, None).await.unwrap();
    let bytes: usize = live.iter().map(|doc| serde_json::to_string(doc).unwrap().len()).sum();
    assert_eq!((stats[0].live, stats[0].bytes), (live.len() as u64, bytes as u64));
}
