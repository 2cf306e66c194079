//! The rows of datasets: counts, sequence, stamp, and the last record number.

use crate::store::{
    CheckReport, DatasetKey, Problem, StoreError,
    check::{DatasetRef, DatasetTotals},
    postgres::{Db, Postgres, dataset::Dataset, error::DbResult, rows::plain_size},
};

/// A dataset's row, or what its records say; with the last record number, and whether candidates wait.
type TotalsRow = (DatasetTotals, i64, bool);

/// All datasets.
pub(super) async fn list(store: &Postgres) -> Result<Vec<DatasetRef>, StoreError> {
    const LIST: &str = "SELECT id, integration, connection, model, variant FROM nango_rs.datasets ORDER BY id";
    let listed = store.read_with((), |db, ()| Box::pin(async { Ok(db.query_as(LIST).fetch_all(&mut *db.sql).await?) }));
    let rows: Vec<(i64, String, String, String, String)> = listed.await?;
    let place = |(id, integration, connection, model, variant)| DatasetRef {
        id,
        key: DatasetKey { integration, connection, model, variant },
    };
    Ok(rows.into_iter().map(place).collect())
}

/// Compares a dataset's row with its records.
pub(super) async fn check(
    store: &Postgres,
    place: &DatasetRef,
    repair: bool,
    report: &mut CheckReport,
) -> Result<(), StoreError> {
    let found = store.read_with(place.id, |db, id| Box::pin(compare(db, *id))).await?;
    let Some(((noted, given, waits), (counted, used, waiting))) = found else { return Ok(()) };
    if noted.matches(&counted) && given >= used && waits >= waiting {
        return Ok(());
    }
    let mut repaired = 0;
    if repair {
        repaired = store.write(place.clone(), |db, place| Box::pin(recount(db, place))).await?;
    }
    let name = place.to_string();
    report.add_total_findings(&name, &noted, &counted, repaired);
    if given < used {
        let example = format!("noted record number {given}, its records go up to {used}");
        report.add_finding(Problem::DatasetBehind, &name, 1, repaired, example);
    }
    if waiting && !waits {
        report.add_finding(
            Problem::State,
            &name,
            1,
            repaired,
            "delete candidates wait, and the dataset's row denies it",
        );
    }
    Ok(())
}

async fn compare(db: &mut Db, id: i64) -> DbResult<Option<(TotalsRow, TotalsRow)>> {
    const NOTED: &str = "SELECT live, bytes, seq, stamp, rids, waits FROM nango_rs.datasets WHERE id = $1";
    const COUNTED: &str = concat!(
        "SELECT count(*) FILTER (WHERE deleted_at IS NULL), coalesce(sum(",
        plain_size!(),
        ") FILTER (WHERE deleted_at IS NULL), 0)::bigint, coalesce(max(seq), 0), coalesce(max(modified_at), 0), \
         (SELECT coalesce(max(rid), 0) FROM nango_rs.record_keys WHERE dataset = $1), \
         EXISTS (SELECT 1 FROM nango_rs.delete_states WHERE dataset = $1) \
         FROM nango_rs.records WHERE dataset = $1"
    );
    type Row = (i64, i64, i64, i64, i64, bool);
    let totals = |(live, bytes, seq, stamp, rids, waits): Row| {
        (DatasetTotals { live, bytes, seq, committed_at: stamp }, rids, waits)
    };
    let noted: Option<Row> = db.query_as(NOTED).bind(id).fetch_optional(&mut *db.sql).await?;
    let Some(noted) = noted else { return Ok(None) };
    let counted: Row = db.query_as(COUNTED).bind(id).fetch_one(&mut *db.sql).await?;
    Ok(Some((totals(noted), totals(counted))))
}

/// Counts again under the lock; gives how many rows it mended. The only repair that reads a whole dataset in one
/// transaction.
async fn recount(db: &mut Db, place: &DatasetRef) -> DbResult<u64> {
    const MEND: &str = "UPDATE nango_rs.datasets SET live = $2, bytes = $3, seq = $4, stamp = $5, rids = $6, waits = $7 \
         WHERE id = $1";
    if Dataset::find(db, &place.key).await?.is_none() {
        return Ok(0);
    }
    let Some(((noted, given, _), (counted, used, waiting))) = compare(db, place.id).await? else { return Ok(0) };
    let mend = db.query(MEND).bind(place.id).bind(counted.live).bind(counted.bytes).bind(noted.seq.max(counted.seq));
    mend.bind(noted.committed_at.max(counted.committed_at))
        .bind(given.max(used))
        .bind(waiting)
        .execute(&mut *db.sql)
        .await?;
    Ok(1)
}
