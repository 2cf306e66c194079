//! The row of a dataset: its lock, its sequence, its latest stamp and its sizes.
//!
//! Must stay true: whoever gives a sequence or a record number holds the row's lock, from before it reads a key of the
//! dataset to the end of the transaction. A commit is durable before its rows can be seen: `synchronous_commit = off` is
//! raised here, where sequences begin.

use super::{
    Db,
    fault::{Fault, Outcome},
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
    pub stamp: i64,
    /// Live records.
    pub live: i64,
    /// Bytes of their payloads.
    pub bytes: i64,
    /// The last record number that was given.
    pub rids: i64,
    /// The scan that is open, whoever opened it.
    pub scan: Option<OpenScan>,
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
    pub start: i64,
}

/// A dataset that is only read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Its number.
    pub id: i64,
    /// The last sequence that was given.
    pub seq: i64,
}

type Row = (i64, i64, i64, i64, i64, i64, Option<i64>, Option<i64>, Option<i64>, i64, i64, bool);

impl Dataset {
    /// Locks the dataset if it is there.
    pub(super) async fn find(db: &mut Db, key: &DatasetKey) -> Outcome<Option<Self>> {
        Ok(lock(db, &[key]).await?.pop())
    }

    /// Locks the dataset, made if it is not there.
    pub(super) async fn open(db: &mut Db, key: &DatasetKey) -> Outcome<Self> {
        open(db, &[key]).await?.pop().ok_or_else(|| Fault::damaged("a dataset"))
    }

    /// The sequence of the next change.
    pub(super) fn next(&mut self) -> i64 {
        self.seq += 1;
        self.seq
    }

    /// The number of the next record.
    pub(super) fn next_rid(&mut self) -> i64 {
        self.rids += 1;
        self.rids
    }

    /// Writes the row, if a change moved it; `stamp` is that of the changes.
    pub(super) async fn save(&self, db: &mut Db, stamp: i64) -> Outcome<()> {
        const SAVE: &str = "UPDATE nango_rs.datasets SET seq = $2, stamp = CASE WHEN seq = $2 THEN stamp ELSE $3 END, \
                            live = $4, bytes = $5, rids = $6 WHERE id = $1";
        if (self.seq, self.bytes) == self.stored {
            return Ok(());
        }
        let save = sqlx::query(SAVE).bind(self.id).bind(self.seq).bind(stamp);
        save.bind(self.live).bind(self.bytes).bind(self.rids).execute(&mut *db.sql).await?;
        db.shared.clock.seen(stamp);
        Ok(())
    }
}

/// Locks several datasets, each named once, and makes those that are not there; gives them in the order of the keys.
pub(super) async fn open(db: &mut Db, keys: &[&DatasetKey]) -> Outcome<Vec<Dataset>> {
    // In the order of names, so that two transactions that make the same ones do not wait for each other.
    const MAKE: &str = "INSERT INTO nango_rs.datasets (integration, connection, model, variant) \
                        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) ORDER BY 1, 2, 3, 4 \
                        ON CONFLICT DO NOTHING";
    let found = lock(db, keys).await?;
    if found.len() == keys.len() {
        return Ok(found);
    }
    let [integrations, connections, models, variants] = names(keys);
    sqlx::query(MAKE).bind(integrations).bind(connections).bind(models).bind(variants).execute(&mut *db.sql).await?;
    lock(db, keys).await
}

/// Locks those that are there, in the order of their numbers; gives them in the order of the keys.
async fn lock(db: &mut Db, keys: &[&DatasetKey]) -> Outcome<Vec<Dataset>> {
    // Only the locked row itself is read again after a wait: what a writer must know stands in it, and nothing is joined.
    const LOCK: &str = concat!(
        "SELECT d.id, d.seq, d.stamp, d.live, d.bytes, d.rids, d.scan, d.scan_function, d.scan_start, k.n, ",
        now!(),
        ", current_setting('synchronous_commit') = 'off' FROM \
         unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY k(integration, connection, model, variant, n) \
         JOIN nango_rs.datasets d ON d.integration = k.integration AND d.connection = k.connection \
         AND d.model = k.model AND d.variant = k.variant ORDER BY d.id FOR UPDATE OF d"
    );
    let [integrations, connections, models, variants] = names(keys);
    let lock = sqlx::query_as(LOCK).bind(integrations).bind(connections).bind(models).bind(variants);
    let mut rows: Vec<Row> = lock.fetch_all(&mut *db.sql).await?;
    if let Some(row) = rows.last() {
        db.shared.clock.told(row.10);
        if row.11 {
            sqlx::query("SET LOCAL synchronous_commit = on").execute(&mut *db.sql).await?;
        }
    }
    rows.sort_unstable_by_key(|row| row.9);
    let dataset = |(id, seq, stamp, live, bytes, rids, number, function, start, _, now, _): Row| {
        let scan = match (number, function, start) {
            (Some(number), Some(function), Some(start)) => Some(OpenScan { number, function, start }),
            _ => None,
        };
        Dataset { id, seq, stamp: stamp.max(now), live, bytes, rids, scan, stored: (seq, bytes) }
    };
    Ok(rows.into_iter().map(dataset).collect())
}

/// The dataset for a reader, if anything ever asked for it to be there.
pub(super) async fn place(db: &mut Db, key: &DatasetKey) -> Outcome<Option<Place>> {
    const FIND: &str = "SELECT id, seq FROM nango_rs.datasets \
                        WHERE integration = $1 AND connection = $2 AND model = $3 AND variant = $4";
    let names = [&key.integration, &key.connection, &key.model, &key.variant];
    if names.iter().any(|name| name.contains('\0')) {
        return Ok(None);
    }
    let find = names.into_iter().fold(sqlx::query_as(FIND), |find, name| find.bind(name));
    Ok(find.fetch_optional(&mut *db.sql).await?.map(|(id, seq)| Place { id, seq }))
}

fn names<'a>(keys: &[&'a DatasetKey]) -> [Vec<&'a str>; 4] {
    let all = |part: fn(&DatasetKey) -> &String| keys.iter().map(|key| part(key).as_str()).collect();
    [all(|key| &key.integration), all(|key| &key.connection), all(|key| &key.model), all(|key| &key.variant)]
}
