//! Tombstones.

use super::{Writing, look, write::Burials};
use crate::store::{
    RowOutcome,
    draft::Ready,
    postgres::{Db, dataset::Dataset, fault::Outcome},
    row::DELETED,
};

/// Deletes records by id: the last payload stays, an id that is not there is left alone.
pub(in crate::store::postgres) async fn delete(
    db: &mut Db,
    at: &Writing,
    dataset: &mut Dataset,
    ids: &[String],
    ready: &Ready,
) -> Outcome<Vec<RowOutcome>> {
    // No record has a NUL in its id, and the server would not take the question.
    let asked = |id: &str, duplicate: bool| !duplicate && !id.contains('\0');
    let wanted: Vec<&str> =
        ids.iter().zip(&ready.duplicate).filter(|(id, dup)| asked(id, **dup)).map(|(id, _)| id.as_str()).collect();
    let mut known = look::keys(db, dataset.id, &wanted).await?.into_iter();
    let mut burials = Burials::default();
    let mut rows = Vec::with_capacity(ids.len());
    for (id, duplicate) in ids.iter().zip(&ready.duplicate) {
        let known = if asked(id, *duplicate) { known.next().flatten() } else { None };
        rows.push(match known {
            _ if *duplicate => RowOutcome::Duplicate,
            Some(known) if !known.is(DELETED) => {
                if at.yields(&known) {
                    RowOutcome::SkippedNewer
                } else {
                    burials.push(id, [known.seq, dataset.next()]);
                    dataset.live -= 1;
                    dataset.bytes -= known.bytes;
                    RowOutcome::Deleted
                }
            }
            _ => RowOutcome::Missing,
        });
    }
    burials.write(db, dataset.id, at.stamp, at.run).await?;
    Ok(rows)
}
