//! Baseline: the job of `repo-issues`, written by hand for this purpose only.
//!
//! Client, typed parsing, mapping, hash, one SQLite transaction for each page (`synchronous=FULL`), sequence numbers,
//! scan marks and counters; the next page is fetched while one is written. It is not general, and the product's CPU is
//! divided by its CPU.

use std::path::Path;

use nango_tests::measure::Outcome;
use rusqlite::{Connection, OptionalExtension, params};

use crate::by_hand::{self, Model};

/// Syncs `url` into the database at `path`. Returns the numbers of added, updated and unchanged records.
pub(crate) fn run(url: &str, path: &Path) -> Outcome<[u64; 3]> {
    let mut cache = BareCache::open(path)?;
    by_hand::for_each_page(url, |page| cache.page(by_hand::models(page)?))?;
    cache.finish()?;
    Ok(cache.counts)
}

struct BareCache {
    db: Connection,
    seen: Vec<u64>,
    seq: i64,
    counts: [u64; 3],
}

impl BareCache {
    fn open(path: &Path) -> Outcome<Self> {
        let db = Connection::open(path)?;
        db.execute_batch(
            "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000;
             CREATE TABLE IF NOT EXISTS dataset (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, live INTEGER NOT NULL);
             INSERT OR IGNORE INTO dataset VALUES (1, 0, 0);
             CREATE TABLE IF NOT EXISTS run (id INTEGER PRIMARY KEY, added INTEGER, updated INTEGER, unchanged INTEGER);
             INSERT OR REPLACE INTO run VALUES (1, 0, 0, 0);
             CREATE TABLE IF NOT EXISTS keys (dataset INTEGER NOT NULL, id TEXT NOT NULL, hash BLOB NOT NULL,
                 record INTEGER NOT NULL, deleted INTEGER NOT NULL, PRIMARY KEY (dataset, id)) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, dataset INTEGER NOT NULL,
                 external TEXT NOT NULL, seq INTEGER NOT NULL, first_seen INTEGER NOT NULL, modified INTEGER NOT NULL,
                 deleted_at INTEGER, payload BLOB NOT NULL);
             CREATE INDEX IF NOT EXISTS feed ON records (dataset, seq);",
        )?;
        db.set_prepared_statement_cache_capacity(32);
        let seq = db.query_row("SELECT seq FROM dataset WHERE id = 1", [], |row| row.get(0))?;
        Ok(Self { db, seen: Vec::new(), seq, counts: [0; 3] })
    }

    fn page(&mut self, models: impl Iterator<Item = Model>) -> Outcome {
        let now = now();
        let before = self.counts;
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        for model in models {
            let (id, payload) = (model.id.to_string(), serde_json::to_vec(&model)?);
            let hash = xxhash_rust::xxh3::xxh3_128_with_seed(&payload, 7).to_le_bytes();
            let known: Option<(i64, bool)> = self
                .db
                .prepare_cached("SELECT record, hash = ?2 AND deleted = 0 FROM keys WHERE dataset = 1 AND id = ?1")?
                .query_row(params![id, hash], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let record = match known {
                Some((record, true)) => {
                    self.counts[2] += 1;
                    record
                }
                Some((record, false)) => {
                    self.seq += 1;
                    self.db
                        .prepare_cached("UPDATE keys SET hash = ?1, deleted = 0 WHERE dataset = 1 AND id = ?2")?
                        .execute(params![hash, id])?;
                    self.db
                        .prepare_cached(
                            "UPDATE records SET seq = ?1, modified = ?2, deleted_at = NULL, payload = ?3 WHERE id = ?4",
                        )?
                        .execute(params![self.seq, now, payload, record])?;
                    self.counts[1] += 1;
                    record
                }
                None => {
                    self.seq += 1;
                    let record = self
                        .db
                        .prepare_cached(
                            "INSERT INTO records (dataset, external, seq, first_seen, modified, payload) \
                             VALUES (1, ?1, ?2, ?3, ?3, ?4)",
                        )?
                        .insert(params![id, self.seq, now, payload])?;
                    self.db
                        .prepare_cached("INSERT INTO keys VALUES (1, ?1, ?2, ?3, 0)")?
                        .execute(params![id, hash, record])?;
                    self.counts[0] += 1;
                    record
                }
            };
            self.mark_seen(record)?;
        }
        let added = i64::try_from(self.counts[0] - before[0])?;
        self.db
            .prepare_cached("UPDATE dataset SET seq = ?1, live = live + ?2 WHERE id = 1")?
            .execute(params![self.seq, added])?;
        let [added, updated, unchanged] = self.counts.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        self.db
            .prepare_cached("UPDATE run SET added = ?1, updated = ?2, unchanged = ?3 WHERE id = 1")?
            .execute(params![added, updated, unchanged])?;
        self.db.execute_batch("COMMIT")?;
        Ok(())
    }

    /// Deletes the records that the walk did not return.
    fn finish(&mut self) -> Outcome {
        let deleted: Vec<i64> = self
            .db
            .prepare("SELECT record FROM keys WHERE dataset = 1 AND deleted = 0")?
            .query_map([], |row| row.get::<_, i64>(0))?
            .filter_map(Result::ok)
            .filter(|record| !self.was_seen(*record))
            .collect();
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        for record in deleted {
            self.seq += 1;
            self.db
                .prepare_cached("UPDATE records SET seq = ?1, modified = ?2, deleted_at = ?2 WHERE id = ?3")?
                .execute(params![self.seq, now(), record])?;
        }
        self.db.execute_batch("COMMIT")?;
        Ok(())
    }

    fn mark_seen(&mut self, record: i64) -> Outcome {
        let record = usize::try_from(record)?;
        if record / 64 >= self.seen.len() {
            self.seen.resize(record / 64 + 1024, 0);
        }
        self.seen[record / 64] |= 1 << (record % 64);
        Ok(())
    }

    fn was_seen(&self, record: i64) -> bool {
        usize::try_from(record).is_ok_and(|r| self.seen.get(r / 64).is_some_and(|word| word >> (r % 64) & 1 == 1))
    }
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
