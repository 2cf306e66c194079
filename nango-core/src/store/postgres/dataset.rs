//! Row of a dataset: its lock, sequence number, latest commit time and sizes.
//!
//! Invariants: a transaction that assigns sequence numbers or record numbers holds the row's lock from before it reads
//! a key of the dataset to its end. A commit is durable before its rows become visible: `synchronous_commit = off` is
//! overridden here, where sequence numbers are assigned.

use sqlx::query::{Query, QueryAs};

use super::{
    Db,
    encryption::share_lock,
    error::{DbError, DbResult},
    now,
};
use crate::{
    store::{DatasetKey, decide::DatasetCounters},
    time::Timestamp,
};

/// A dataset inside a transaction that has locked it.
#[derive(Debug)]
pub(super) struct Dataset {
    /// Id of the row.
    pub id: i64,
    /// Sequence number and sizes.
    pub counters: DatasetCounters,
    /// Time of the next change: the latest commit time, or the server's clock if it is later.
    pub committed_at: Timestamp,
    /// Last record number that was assigned.
    pub last_rid: i64,
    /// The open scan, of any function.
    pub scan: Option<OpenScan>,
    /// Whether `delete_states` may contain candidates of the dataset.
    pub has_candidates: bool,
    /// Version of the encryption policy that this transaction has locked.
    pub policy_version: i64,
}

/// An open scan of a dataset.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenScan {
    /// Number of the scan.
    pub number: i64,
    /// Id of the function that opened it.
    pub function: i64,
    /// Sequence number of the dataset when the scan began.
    pub start_seq: i64,
}

/// A dataset that is only read.
#[derive(Debug, Clone, Copy)]
pub(super) struct DatasetHead {
    /// Id of the row.
    pub id: i64,
    /// Last sequence number that was assigned.
    pub seq: i64,
}

type Row = (i64, i64, Timestamp, i64, i64, i64, Option<i64>, Option<i64>, Option<i64>, bool, Timestamp, bool, i64);

impl Dataset {
    /// Locks the dataset if it exists.
    pub(super) async fn find(db: &mut Db, key: &DatasetKey) -> DbResult<Option<Self>> {
        // After a wait, only the locked row itself is read again: everything a writer needs is in it, and nothing is
        // joined to it.
        const LOCK: &str = concat!(
            "SELECT id, seq, stamp, live, bytes, rids, scan, scan_function, scan_start, waits, ",
            now!(),
            ", current_setting('synchronous_commit') = 'off', ",
            share_lock!("epoch"),
            " FROM nango_rs.datasets WHERE integration = $1 AND connection = $2 AND model = $3 AND variant = $4 \
             FOR UPDATE"
        );
        let lock = names(key).into_iter().fold(db.query_as::<Row>(LOCK), QueryAs::bind);
        let Some(row) = lock.fetch_optional(&mut *db.sql).await? else { return Ok(None) };
        let (id, seq, stamp, live, bytes, rids, number, function, start, waits, now, relaxed, epoch) = row;
        db.shared.clock.observe_server_time(now);
        if relaxed {
            sqlx::raw_sql("SET LOCAL synchronous_commit = on").execute(&mut *db.sql).await?;
        }
        let scan = match (number, function, start) {
            (Some(number), Some(function), Some(start)) => Some(OpenScan { number, function, start_seq: start }),
            _ => None,
        };
        let stamp = stamp.max(now);
        Ok(Some(Self {
            id,
            counters: DatasetCounters::new(seq, live, bytes),
            committed_at: stamp,
            last_rid: rids,
            scan,
            has_candidates: waits,
            policy_version: epoch,
        }))
    }

    /// Locks the dataset, and creates it if it does not exist.
    pub(super) async fn open(db: &mut Db, key: &DatasetKey) -> DbResult<Self> {
        if let Some(found) = Self::find(db, key).await? {
            return Ok(found);
        }
        create(db, key).await?;
        Self::find(db, key).await?.ok_or_else(|| DbError::damaged("a dataset"))
    }

    /// Assigns the number of the next record.
    pub(super) fn next_rid(&mut self) -> i64 {
        self.last_rid += 1;
        self.last_rid
    }

    /// Writes the row if a change was made; `committed_at` is the commit time of the changes.
    pub(super) async fn save(&self, db: &mut Db, committed_at: Timestamp) -> DbResult<()> {
        const SAVE: &str = "UPDATE nango_rs.datasets SET seq = $2, stamp = CASE WHEN seq = $2 THEN stamp ELSE $3 END, \
                            live = $4, bytes = $5, rids = $6 WHERE id = $1";
        if !self.counters.is_changed() {
            return Ok(());
        }
        let DatasetCounters { seq, live, bytes, .. } = self.counters;
        let save = db.query(SAVE).bind(self.id).bind(seq).bind(committed_at);
        save.bind(live).bind(bytes).bind(self.last_rid).execute(&mut *db.sql).await?;
        db.shared.clock.advance_to(committed_at);
        Ok(())
    }
}

/// Locks several distinct datasets and creates those that do not exist. Returns them in the order of `keys`.
pub(super) async fn open(db: &mut Db, keys: &[&DatasetKey]) -> DbResult<Vec<Dataset>> {
    if let [key] = keys {
        return Ok(vec![Dataset::open(db, key).await?]);
    }
    // Created in the order of their names and locked in the order of their ids, which prevents deadlocks.
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    let mut numbered = Vec::with_capacity(keys.len());
    for key in sorted {
        let mut found = head(db, key).await?;
        if found.is_none() {
            create(db, key).await?;
            found = head(db, key).await?;
        }
        numbered.push((found.ok_or_else(|| DbError::damaged("a dataset"))?.id, key));
    }
    numbered.sort_unstable();
    let mut locked = Vec::with_capacity(keys.len());
    for (_, key) in numbered {
        let dataset = Dataset::find(db, key).await?.ok_or_else(|| DbError::damaged("a dataset"))?;
        let order = keys.iter().position(|other| *other == key);
        locked.push((order, dataset));
    }
    locked.sort_unstable_by_key(|(order, _)| *order);
    Ok(locked.into_iter().map(|(_, dataset)| dataset).collect())
}

async fn create(db: &mut Db, key: &DatasetKey) -> DbResult<()> {
    const CREATE: &str = "INSERT INTO nango_rs.datasets (integration, connection, model, variant) \
                        VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    names(key).into_iter().fold(db.query(CREATE), Query::bind).execute(&mut *db.sql).await?;
    Ok(())
}

/// Returns the dataset for a reader, if it was ever created.
pub(super) async fn head(db: &mut Db, key: &DatasetKey) -> DbResult<Option<DatasetHead>> {
    const FIND: &str = "SELECT id, seq FROM nango_rs.datasets \
                        WHERE integration = $1 AND connection = $2 AND model = $3 AND variant = $4";
    let find = names(key).into_iter().fold(db.query_as(FIND), QueryAs::bind);
    Ok(find.fetch_optional(&mut *db.sql).await?.map(|(id, seq)| DatasetHead { id, seq }))
}

fn names(key: &DatasetKey) -> [&str; 4] {
    [&key.integration, &key.connection, &key.model, &key.variant]
}
