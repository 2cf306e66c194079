//! Maintenance: prune, erase, empty, vacuum, usage.
//!
//! Invariants: every write happens under the dataset's lock; a payload row and its key row are deleted together, and
//! the dataset's row is adjusted in the same transaction. Rows are found by a range of sequence numbers or by an array
//! of ids, so that no plan scans a table.

use std::path::Path;

use super::{
    Db, Postgres, check,
    dataset::Dataset,
    delete_states,
    error::{DbError, DbResult},
    feed, marks,
    rows::{INVALID_RUN, plain_size},
    to_u64,
};
use crate::{
    store::{
        Backup, CheckReport, Cursor, DatasetKey, DatasetUsage, Emptied, Maintenance, Prune, PruneUntil, Pruned,
        Remains, StoreError, StoreFuture, Vacuumed,
    },
    time::Timestamp,
};

/// Maximum number of records that one call prunes or deletes.
const MAX_BATCH_ROWS: u32 = 10_000;

impl Maintenance for Postgres {
    fn prune(&self, dataset: &DatasetKey, what: Prune) -> StoreFuture<'_, Pruned> {
        self.write((dataset.clone(), what), |db, (dataset, what)| Box::pin(prune(db, dataset, what)))
    }

    fn count_prunable(&self, dataset: &DatasetKey, until: PruneUntil) -> StoreFuture<'_, Pruned> {
        self.read_with((dataset.clone(), until), |db, (dataset, until)| Box::pin(count_prunable(db, dataset, until)))
    }

    fn erase(&self, dataset: &DatasetKey, ids: Vec<String>) -> StoreFuture<'_, u64> {
        self.write((dataset.clone(), ids), |db, (dataset, ids)| Box::pin(erase(db, dataset, ids)))
    }

    fn empty(&self, dataset: &DatasetKey, through: Option<i64>, limit: u32) -> StoreFuture<'_, Emptied> {
        self.write((dataset.clone(), through, limit), |db, (dataset, through, limit)| {
            Box::pin(empty(db, dataset, *through, *limit))
        })
    }

    fn dataset_usage(&self) -> StoreFuture<'_, Vec<DatasetUsage>> {
        self.read_with((), |db, ()| Box::pin(dataset_usage(db)))
    }

    fn check(&self, repair: bool) -> StoreFuture<'_, CheckReport> {
        Box::pin(check::check(self, repair))
    }

    fn backup(&self, to: &Path) -> StoreFuture<'_, Backup> {
        let command = self.backup_command(to);
        Box::pin(async move { Err(StoreError::ExternalTool(command)) })
    }

    fn clear_removed(&self) -> StoreFuture<'_, Option<Remains>> {
        Box::pin(async { Ok(Some(Remains::DeadRows)) })
    }

    fn vacuum(&self) -> StoreFuture<'_, Vacuumed> {
        Box::pin(async {
            let size = || self.read_with((), |db, ()| Box::pin(size(db)));
            let before = size().await?;
            self.vacuum_tables().await.map_err(DbError::into_store_error)?;
            Ok(Vacuumed { before, after: size().await?, remains: Some(Remains::Server) })
        })
    }
}

impl Postgres {
    /// Vacuums the tables with content. Runs outside a transaction, because `VACUUM` cannot run in one.
    async fn vacuum_tables(&self) -> DbResult<()> {
        const VACUUM: &str = "VACUUM nango_rs.records, nango_rs.record_keys, nango_rs.delete_states, \
             nango_rs.connections, nango_rs.checkpoints, nango_rs.resume_states, nango_rs.parents, nango_rs.runs, \
             nango_rs.run_logs, nango_rs.scan_marks";
        sqlx::raw_sql(VACUUM).execute(&self.pool).await?;
        Ok(())
    }

    /// Returns the message with the command for a backup. It contains no password: `pg_dump` requests it.
    fn backup_command(&self, to: &Path) -> String {
        let options = self.pool.connect_options();
        let host =
            options.get_socket().map_or_else(|| options.get_host().to_owned(), |path| path.display().to_string());
        let user = options.get_username();
        let words = [
            format!("--host={host}"),
            format!("--port={}", options.get_port()),
            format!("--username={user}"),
            format!("--dbname={}", options.get_database().unwrap_or(user)),
            format!("--schema={}", super::SCHEMA),
            "--format=custom".to_owned(),
            format!("--file={}", to.display()),
        ];
        let words: Vec<String> = words.iter().map(|word| shell_quoted(word)).collect();
        format!(
            "PostgreSQL databases are backed up with `pg_dump`, also while they are in use:\n  pg_dump {}\nIt prompts \
             for the password, or reads it from PGPASSWORD. `pg_restore --dbname=…` restores the file into an empty \
             database",
            words.join(" ")
        )
    }
}

/// Quotes a word for a shell, if necessary.
fn shell_quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_=./:@%+,".contains(letter);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Removes payloads up to a sequence number.
async fn prune(db: &mut Db, key: &DatasetKey, prune: &Prune) -> DbResult<Pruned> {
    // One record more than requested shows whether there is more.
    const NEXT: &str = "SELECT seq FROM nango_rs.records WHERE dataset = $1 AND seq > $2 AND seq <= $3 \
                        AND pruned_at IS NULL ORDER BY seq LIMIT $4";
    // All parts of the statement see the sizes from before the update.
    const PRUNE: &str = "WITH rows AS (UPDATE nango_rs.records SET payload = NULL, key_id = 0, pruned_at = $4 \
         WHERE dataset = $1 AND seq > $2 AND seq <= $3 AND pruned_at IS NULL \
         RETURNING id, deleted_at IS NULL AS live), \
         known AS MATERIALIZED (SELECT k.id, k.bytes, r.live FROM rows r CROSS JOIN LATERAL \
         (SELECT id, bytes FROM nango_rs.record_keys WHERE dataset = $1 AND id = r.id OFFSET 0) k), \
         keys AS (INSERT INTO nango_rs.record_keys AS k \
         (dataset, rid, seq, modified_at, run, bytes, hash_version, state, hash, id) \
         SELECT $1, 0, 0, 0, $5, 0, 0, 0, '', id FROM known \
         ON CONFLICT (dataset, id) DO UPDATE SET bytes = 0, state = k.state | 2::smallint) \
         SELECT (SELECT count(*) FROM rows), coalesce(sum(bytes), 0)::bigint, \
         coalesce(sum(bytes) FILTER (WHERE live), 0)::bigint FROM known";
    let feed = db.shared.hasher.feed_id(key);
    let after = prune.after.as_deref().map(|text| Cursor::decode(text, feed)).transpose()?.map_or(0, |at| at.seq);
    let Some(until) = prune_bound(db, key, &prune.until).await? else { return Ok(Pruned::default()) };
    let Some(mut dataset) = Dataset::find(db, key).await? else { return Ok(Pruned::default()) };
    let limit = prune.limit.clamp(1, MAX_BATCH_ROWS);
    let next = db.query_scalar(NEXT).bind(dataset.id).bind(after).bind(until).bind(i64::from(limit) + 1);
    let mut seqs: Vec<i64> = next.fetch_all(&mut *db.sql).await?;
    let more = seqs.len() > limit as usize;
    seqs.truncate(limit as usize);
    let Some(last) = seqs.last() else { return Ok(Pruned::default()) };
    let drop = db.query_as(PRUNE).bind(dataset.id).bind(after).bind(last).bind(dataset.committed_at).bind(INVALID_RUN);
    let (count, bytes, live): (i64, i64, i64) = drop.fetch_one(&mut *db.sql).await?;
    dataset.counters.bytes -= live;
    save_counts(db, &dataset).await?;
    let next = more.then(|| Cursor { feed_id: feed, seq: *last }.encode());
    Ok(Pruned { count: to_u64(count), bytes: to_u64(bytes), next })
}

/// Counts the records and bytes that [`prune`] would remove.
async fn count_prunable(db: &mut Db, key: &DatasetKey, until: &PruneUntil) -> DbResult<Pruned> {
    const COUNT: &str = concat!(
        "SELECT count(*), coalesce(sum(",
        plain_size!(),
        "), 0)::bigint FROM nango_rs.records WHERE dataset = $1 AND seq <= $2 AND pruned_at IS NULL"
    );
    let Some(until) = prune_bound(db, key, until).await? else { return Ok(Pruned::default()) };
    let Some(dataset) = feed::find_dataset(db, key).await? else { return Ok(Pruned::default()) };
    let (count, bytes) = db.query_as(COUNT).bind(dataset.id).bind(until).fetch_one(&mut *db.sql).await?;
    Ok(Pruned { count: to_u64(count), bytes: to_u64(bytes), next: None })
}

/// Returns the last sequence number to prune, or `None` if there is no such dataset.
async fn prune_bound(db: &mut Db, key: &DatasetKey, until: &PruneUntil) -> DbResult<Option<i64>> {
    let cursor = match until {
        PruneUntil::Cursor(text) => Some(Cursor::decode(text, db.shared.hasher.feed_id(key))?),
        PruneUntil::Before(_) => None,
    };
    let dataset = feed::find_dataset(db, key).await?;
    let last = dataset.map_or(0, |dataset| dataset.seq);
    if cursor.as_ref().is_some_and(|cursor| cursor.seq > last) {
        return Err(StoreError::Cursor.into());
    }
    let Some(dataset) = dataset else { return Ok(None) };
    Ok(Some(match (cursor, until) {
        (Some(cursor), _) => cursor.seq,
        (None, PruneUntil::Before(time)) => feed::seq_before_time(db, dataset.id, *time, 0, last).await?,
        (None, PruneUntil::Cursor(_)) => 0,
    }))
}

/// Deletes records by id, without tombstones.
async fn erase(db: &mut Db, key: &DatasetKey, ids: &[String]) -> DbResult<u64> {
    const KEYS: &str = "DELETE FROM nango_rs.record_keys WHERE dataset = $1 AND id = ANY($2) RETURNING seq";
    // A damaged key may name the sequence number of another record: the row must have the id as well.
    const ROWS: &str = concat!(
        "WITH gone AS (DELETE FROM nango_rs.records WHERE dataset = $1 AND seq = ANY($3) AND id = ANY($2) \
         RETURNING deleted_at IS NULL AS live, ",
        plain_size!(),
        " AS bytes) SELECT count(*), count(*) FILTER (WHERE live), coalesce(sum(bytes) FILTER (WHERE live), 0)::bigint \
         FROM gone"
    );
    if feed::find_dataset(db, key).await?.is_none() {
        return Ok(0);
    }
    let Some(mut dataset) = Dataset::find(db, key).await? else { return Ok(0) };
    let ids = feed::storable_ids(ids);
    let seqs: Vec<i64> = db.query_scalar(KEYS).bind(dataset.id).bind(&ids).fetch_all(&mut *db.sql).await?;
    let rows = db.query_as(ROWS).bind(dataset.id).bind(&ids).bind(seqs);
    let (count, live, bytes): (i64, i64, i64) = rows.fetch_one(&mut *db.sql).await?;
    if dataset.has_candidates {
        delete_states::drop_states(db, dataset.id, &ids).await?;
    }
    dataset.counters.live -= live;
    dataset.counters.bytes -= bytes;
    save_counts(db, &dataset).await?;
    Ok(to_u64(count))
}

/// Deletes up to `limit` of all records, in the order of the feed.
pub(super) async fn empty(db: &mut Db, key: &DatasetKey, through: Option<i64>, limit: u32) -> DbResult<Emptied> {
    const NEXT: &str = "SELECT seq FROM nango_rs.records WHERE dataset = $1 AND seq <= $2 ORDER BY seq LIMIT $3";
    const ROWS: &str = concat!(
        "WITH gone AS (DELETE FROM nango_rs.records WHERE dataset = $1 AND seq <= $2 \
         RETURNING id, deleted_at IS NULL AS live, ",
        plain_size!(),
        " AS bytes) SELECT coalesce(array_agg(id), '{}'), count(*) FILTER (WHERE live), \
         coalesce(sum(bytes) FILTER (WHERE live), 0)::bigint FROM gone"
    );
    const KEYS: &str = "DELETE FROM nango_rs.record_keys WHERE dataset = $1 AND id = ANY($2)";
    if feed::find_dataset(db, key).await?.is_none() {
        return Ok(Emptied::default());
    }
    let Some(mut dataset) = Dataset::find(db, key).await? else { return Ok(Emptied::default()) };
    marks::close_open(db, &mut dataset).await?;
    let through = through.unwrap_or(dataset.counters.seq);
    let limit = limit.clamp(1, MAX_BATCH_ROWS);
    let next = db.query_scalar(NEXT).bind(dataset.id).bind(through).bind(i64::from(limit) + 1);
    let mut seqs: Vec<i64> = next.fetch_all(&mut *db.sql).await?;
    let more = seqs.len() > limit as usize;
    seqs.truncate(limit as usize);
    let Some(last) = seqs.last() else { return Ok(Emptied { count: 0, through, more: false }) };
    let rows = db.query_as(ROWS).bind(dataset.id).bind(last);
    let (ids, live, bytes): (Vec<String>, i64, i64) = rows.fetch_one(&mut *db.sql).await?;
    db.query(KEYS).bind(dataset.id).bind(&ids).execute(&mut *db.sql).await?;
    if dataset.has_candidates {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        delete_states::drop_states(db, dataset.id, &ids).await?;
    }
    dataset.counters.live -= live;
    dataset.counters.bytes -= bytes;
    save_counts(db, &dataset).await?;
    Ok(Emptied { count: ids.len() as u64, through, more })
}

/// Writes the counts of the dataset. [`Dataset::save`] would skip a deletion that changes only `live`.
async fn save_counts(db: &mut Db, dataset: &Dataset) -> DbResult<()> {
    const SAVE: &str = "UPDATE nango_rs.datasets SET live = $2, bytes = $3 WHERE id = $1";
    db.query(SAVE)
        .bind(dataset.id)
        .bind(dataset.counters.live)
        .bind(dataset.counters.bytes)
        .execute(&mut *db.sql)
        .await?;
    Ok(())
}

/// Returns the size of all tables with their indexes, in bytes.
async fn size(db: &mut Db) -> DbResult<u64> {
    const SIZE: &str = "SELECT coalesce(sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::bigint \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = 'nango_rs' AND c.relkind = 'r'";
    db.allow_seq_scan().await?;
    let bytes: i64 = db.query_scalar(SIZE).fetch_one(&mut *db.sql).await?;
    Ok(to_u64(bytes))
}

/// Returns the usage of each dataset, computed from its key rows.
async fn dataset_usage(db: &mut Db) -> DbResult<Vec<DatasetUsage>> {
    type Row = (String, String, String, String, i64, i64, i64, Timestamp, i64);
    const ALL: &str = "SELECT d.integration, d.connection, d.model, d.variant, k.rows, k.payloads, k.bytes, d.stamp, \
         d.seq FROM nango_rs.datasets d JOIN (SELECT dataset, count(*) AS rows, \
         count(*) FILTER (WHERE state & 2 = 0) AS payloads, \
         sum(bytes)::bigint AS bytes FROM nango_rs.record_keys GROUP BY dataset) k ON k.dataset = d.id \
         ORDER BY d.integration, d.connection, d.model, d.variant";
    db.allow_seq_scan().await?;
    let rows: Vec<Row> = db.query_as(ALL).fetch_all(&mut *db.sql).await?;
    let usage =
        |(integration, connection, model, variant, rows, with_payload, bytes, changed_at, seq): Row| DatasetUsage {
            dataset: DatasetKey { integration, connection, model, variant },
            rows: to_u64(rows),
            with_payload: to_u64(with_payload),
            bytes: to_u64(bytes),
            changed_at,
            seq,
        };
    Ok(rows.into_iter().map(usage).collect())
}
