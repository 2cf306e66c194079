//! Row ids of function keys, by which checkpoints, runs and scans refer to a function.

use sqlx::query::QueryScalar;

use super::{Db, error::DbResult};
use crate::store::FunctionKey;

/// Returns the id of a key, or `None` if it was never used.
pub(super) async fn find(db: &mut Db, key: &FunctionKey) -> DbResult<Option<i64>> {
    const FIND: &str = "SELECT id FROM nango_rs.functions \
                        WHERE integration = $1 AND connection = $2 AND kind = $3 AND name = $4 AND variant = $5";
    if names(key).iter().any(|name| name.contains('\0')) {
        return Ok(None);
    }
    Ok(names(key).into_iter().fold(db.query_scalar(FIND), QueryScalar::bind).fetch_optional(&mut *db.sql).await?)
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

fn names(key: &FunctionKey) -> [&str; 5] {
    [&key.integration, &key.connection, key.kind.name(), &key.function, &key.variant]
}
