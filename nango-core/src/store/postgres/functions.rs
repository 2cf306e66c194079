//! Row ids of function keys, by which checkpoints, runs and scans refer to a function.

use std::collections::BTreeMap;

use sqlx::query::QueryScalar;

use super::{Db, error::DbResult};
use crate::store::FunctionKey;

/// Returns the id of a key, or `None` if it was never used.
pub(super) async fn find(db: &mut Db, key: &FunctionKey) -> DbResult<Option<i64>> {
    const FIND: &str = "SELECT id FROM nango_rs.functions \
                        WHERE integration = $1 AND connection = $2 AND kind = $3 AND name = $4 AND variant = $5";
    if !is_storable(key) {
        return Ok(None);
    }
    Ok(names(key).into_iter().fold(db.query_scalar(FIND), QueryScalar::bind).fetch_optional(&mut *db.sql).await?)
}

/// Returns the syncs among the keys that were used before, by their ids.
pub(super) async fn find_syncs<'a>(db: &mut Db, keys: &'a [FunctionKey]) -> DbResult<BTreeMap<i64, &'a FunctionKey>> {
    const FIND: &str = "SELECT k.position, f.id FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) \
         WITH ORDINALITY k(integration, connection, name, variant, position) CROSS JOIN LATERAL (SELECT id \
         FROM nango_rs.functions WHERE integration = k.integration AND connection = k.connection AND kind = 'sync' \
         AND name = k.name AND variant = k.variant OFFSET 0) f";
    let keys: Vec<&FunctionKey> = keys.iter().filter(|key| is_storable(key)).collect();
    let column = |of: fn(&FunctionKey) -> &str| keys.iter().map(|key| of(key)).collect::<Vec<_>>();
    let found: Vec<(i64, i64)> = db
        .query_as(FIND)
        .bind(column(|key| &key.integration))
        .bind(column(|key| &key.connection))
        .bind(column(|key| &key.function))
        .bind(column(|key| &key.variant))
        .fetch_all(&mut *db.sql)
        .await?;
    let at = |position: i64| keys.get(usize::try_from(position - 1).ok()?).copied();
    Ok(found.into_iter().filter_map(|(position, id)| Some((id, at(position)?))).collect())
}

/// Returns the id of a key, and assigns one if it has none.
pub(super) async fn open(db: &mut Db, key: &FunctionKey) -> DbResult<i64> {
    const OPEN: &str = "INSERT INTO nango_rs.functions (integration, connection, kind, name, variant) \
                        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (integration, connection, kind, name, variant) \
                        DO UPDATE SET fence = functions.fence RETURNING id";
    if let Some(id) = find(db, key).await? {
        return Ok(id);
    }
    Ok(names(key).into_iter().fold(db.query_scalar(OPEN), QueryScalar::bind).fetch_one(&mut *db.sql).await?)
}

/// Returns whether a key can exist: no text of the database has NUL.
fn is_storable(key: &FunctionKey) -> bool {
    names(key).iter().all(|name| !name.contains('\0'))
}

fn names(key: &FunctionKey) -> [&str; 5] {
    [&key.integration, &key.connection, key.kind.name(), &key.function, &key.variant]
}
