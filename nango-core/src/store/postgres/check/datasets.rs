//! Check of dataset rows: counts, sequence number, latest commit time, last record number.

use crate::{
    store::{
        CheckReport, DatasetKey, Problem, StoreError,
        check::{DatasetRef, DatasetTotals},
        postgres::{Db, Postgres, dataset::Dataset, error::DbResult, rows::plain_size},
    },
    time::Timestamp,
};

/// Totals of a dataset, stored or counted, with the last record number and whether it has delete candidates.
type TotalsRow = (DatasetTotals, i64, bool);

/// Returns all datasets in the order of their ids.
pub(super) async fn list(store: &Postgres) -> Result<Vec<DatasetRef>, StoreError> {
    const LIST: &str = "SELECT id, integration, connection, model, variant FROM nango_rs.datasets ORDER BY id";
    let listed = store.read_with((), |db, ()| Box::pin(async { Ok(db.query_as(LIST).fetch_all(&mut *db.sql).await?) }));
    let rows: Vec<(i64, String, String, String, String)> = listed.await?;
    let dataset_ref = |(id, integration, connection, model, variant)| DatasetRef {
        id,
        key: DatasetKey { integration, connection, model, variant },
    };
    Ok(rows.into_iter().map(dataset_ref).collect())
}

/// Compares the row of a dataset with its records.
pub(super) async fn check(
    store: &Postgres,
    dataset: &DatasetRef,
    repair: bool,
    report: &mut CheckReport,
) -> Result<(), StoreError> {
    let found = store.read_with(dataset.id, |db, id| Box::pin(compare(db, *id))).await?;
    let Some(((stored, last_rid, marked), (counted, max_rid, has_candidates))) = found else { return Ok(()) };
    if stored.matches(&counted) && last_rid >= max_rid && marked >= has_candidates {
        return Ok(());
    }
    let mut repaired = 0;
    if repair {
        repaired = store.write(dataset.clone(), |db, dataset| Box::pin(recount(db, dataset))).await?;
    }
    let name = dataset.to_string();
    report.add_total_findings(&name, &stored, &counted, repaired);
    if last_rid < max_rid {
        let example = format!("stored record number {last_rid}, its records go up to {max_rid}");
        report.add_finding(Problem::DatasetBehind, &name, 1, repaired, example);
    }
    if has_candidates && !marked {
        report.add_finding(
            Problem::State,
            &name,
            1,
            repaired,
            "delete candidates exist, but the row of the dataset has no mark for them",
        );
    }
    Ok(())
}

async fn compare(db: &mut Db, id: i64) -> DbResult<Option<(TotalsRow, TotalsRow)>> {
    const STORED: &str = "SELECT live, bytes, seq, stamp, rids, waits FROM nango_rs.datasets WHERE id = $1";
    const COUNTED: &str = concat!(
        "SELECT count(*) FILTER (WHERE deleted_at IS NULL), coalesce(sum(",
        plain_size!(),
        ") FILTER (WHERE deleted_at IS NULL), 0)::bigint, coalesce(max(seq), 0), coalesce(max(modified_at), 0), \
         (SELECT coalesce(max(rid), 0) FROM nango_rs.record_keys WHERE dataset = $1), \
         EXISTS (SELECT 1 FROM nango_rs.delete_states WHERE dataset = $1) \
         FROM nango_rs.records WHERE dataset = $1"
    );
    type Row = (i64, i64, i64, Timestamp, i64, bool);
    let totals = |(live, bytes, seq, stamp, rids, waits): Row| {
        (DatasetTotals { live, bytes, seq, committed_at: stamp }, rids, waits)
    };
    let stored: Option<Row> = db.query_as(STORED).bind(id).fetch_optional(&mut *db.sql).await?;
    let Some(stored) = stored else { return Ok(None) };
    let counted: Row = db.query_as(COUNTED).bind(id).fetch_one(&mut *db.sql).await?;
    Ok(Some((totals(stored), totals(counted))))
}

/// Counts again under the lock; returns the number of repaired rows. The only repair that reads a whole dataset in one
/// transaction.
async fn recount(db: &mut Db, dataset: &DatasetRef) -> DbResult<u64> {
    const REPAIR: &str = "UPDATE nango_rs.datasets SET live = $2, bytes = $3, seq = $4, stamp = $5, rids = $6, \
                          waits = $7 WHERE id = $1";
    if Dataset::find(db, &dataset.key).await?.is_none() {
        return Ok(0);
    }
    let Some(((stored, last_rid, _), (counted, max_rid, has_candidates))) = compare(db, dataset.id).await? else {
        return Ok(0);
    };
    let repair = db.query(REPAIR).bind(dataset.id).bind(counted.live).bind(counted.bytes);
    repair
        .bind(stored.seq.max(counted.seq))
        .bind(stored.committed_at.max(counted.committed_at))
        .bind(last_rid.max(max_rid))
        .bind(has_candidates)
        .execute(&mut *db.sql)
        .await?;
    Ok(1)
}
