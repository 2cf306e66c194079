//! The row of a dataset: its lock, its sequence, its latest stamp and its sizes.
//!
//! Must stay true: whoever gives a sequence or a record number holds the row's lock, from before it reads a key of the
//! dataset to the end of the transaction. A commit is durable before its rows can be seen: `synchronous_commit = off` is
//! raised here, where sequences begin.

use sqlx::query::{Query, QueryAs};

use super::{
    Db,
    encryption::held,
    error::{DbError, DbResult},
    now,
};
use crate::store::DatasetKey;

/// A dataset inside a transaction that holds its lock.
#[derive(Debug)]
pub(super) struct Dataset {
    /// Its number.
    pub id: i64,
    /// The last sequence that was given.
    pub seq: i64,
    /// The latest stamp that was given, or the server's clock if it is later: the next stamp.
    pub committed_at: i64,
    /// Live records.
    pub live: i64,
    /// Bytes of their payloads.
    pub bytes: i64,
    /// The last record number that was given.
    pub last_rid: i64,
    /// The scan that is open, whoever opened it.
    pub scan: Option<OpenScan>,
    /// Whether candidates may wait in `delete_states`.
    pub has_candidates: bool,
    /// The epoch of the policy that this transaction holds still.
    pub policy_version: i64,
    stored: (i64, i64),
}

/// A scan that is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenScan {
    /// Its number.
    pub number: i64,
    /// The function that opened it.
    pub function: i64,
    /// The dataset's sequence when it began.
    pub start_seq: i64,
}

/// A dataset that is only read.
#[derive(Debug, Clone, Copy)]
pub(super) struct DatasetHead {
    /// Its number.
    pub id: i64,
    /// The last sequence that was given.
    pub seq: i64,
}

type Row = (i64, i64, i64, i64, i64, i64, Option<i64>, Option<i64>, Option<i64>, bool, i64, bool, i64);

impl Dataset {
    /// Locks the dataset if it is there.
    pub(super) async fn find(db: &mut Db, key: &DatasetKey) -> DbResult<Option<Self>> {
        // Only the locked row itself is read again after a wait: what a writer must know stands in it, and nothing is
        // joined to it.
        const LOCK: &str = concat!(
            "SELECT id, seq, stamp, live, bytes, rids, scan, scan_function, scan_start, waits, ",
            now!(),
            ", current_setting('synchronous_commit') = 'off', ",
            held!("epoch"),
            " FROM nango_rs.datasets WHERE integration = $1 AND connection = $2 AND model = $3 AND variant = $4 FOR UPDATE"
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
            seq,
            committed_at: stamp,
            live,
            bytes,
            last_rid: rids,
            scan,
            has_candidates: waits,
            policy_version: epoch,
            stored: (seq, bytes),
        }))
    }

    /// Locks the dataset, made if it is not there.
    pub(super) async fn open(db: &mut Db, key: &DatasetKey) -> DbResult<Self> {
        if let Some(found) = Self::find(db, key).await? {
            return Ok(found);
        }
        create(db, key).await?;
        Self::find(db, key).await?.ok_or_else(|| DbError::damaged("a dataset"))
    }

    /// The sequence of the next change.
    pub(super) fn next_seq(&mut self) -> i64 {
        self.seq += 1;
        self.seq
    }

    /// The number of the next record.
    pub(super) fn next_rid(&mut self) -> i64 {
        self.last_rid += 1;
        self.last_rid
    }

    /// Writes the row, if a change moved it; `stamp` is that of the changes.
    pub(super) async fn save(&self, db: &mut Db, stamp: i64) -> DbResult<()> {
        const SAVE: &str = "UPDATE nango_rs.datasets SET seq = $2, stamp = CASE WHEN seq = $2 THEN stamp ELSE $3 END, \
                            live = $4, bytes = $5, rids = $6 WHERE id = $1";
        if (self.seq, self.bytes) == self.stored {
            return Ok(());
        }
        let save = db.query(SAVE).bind(self.id).bind(self.seq).bind(stamp);
        save.bind(self.live).bind(self.bytes).bind(self.last_rid).execute(&mut *db.sql).await?;
        db.shared.clock.advance_to(stamp);
        Ok(())
    }
}

/// Locks several datasets, each named once, and makes those that are not there; gives them in the order of the keys.
pub(super) async fn open(db: &mut Db, keys: &[&DatasetKey]) -> DbResult<Vec<Dataset>> {
    if let [key] = keys {
        return Ok(vec![Dataset::open(db, key).await?]);
    }
    // Made in the order of names and locked in the order of numbers, so that no two transactions wait for each other.
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
    const MAKE: &str = "INSERT INTO nango_rs.datasets (integration, connection, model, variant) \
                        VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    names(key).into_iter().fold(db.query(MAKE), Query::bind).execute(&mut *db.sql).await?;
    Ok(())
}

/// The dataset for a reader, if anything ever asked for it to be there.
pub(super) async fn head(db: &mut Db, key: &DatasetKey) -> DbResult<Option<DatasetHead>> {
    const FIND: &str = "SELECT id, seq FROM nango_rs.datasets \
                        WHERE integration = $1 AND connection = $2 AND model = $3 AND variant = $4";
    let find = names(key).into_iter().fold(db.query_as(FIND), QueryAs::bind);
    Ok(find.fetch_optional(&mut *db.sql).await?.map(|(id, seq)| DatasetHead { id, seq }))
}

fn names(key: &DatasetKey) -> [&str; 4] {
    [&key.integration, &key.connection, &key.model, &key.variant]
}
