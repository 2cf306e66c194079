//! Connections, and named values in `meta`.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use sqlx::{Row, postgres::PgRow};

use super::{
    Db, encryption,
    error::{DbError, DbResult},
    exclusion, now,
};
use crate::{
    store::{
        Connection, ConnectionProfile, ConnectionQuery, MetadataChange, NewConnection, ProfileChange, RefreshFailure,
        RemovedConnection, StoreError, credentials_context,
    },
    time::Timestamp,
};

macro_rules! columns {
    () => {
        "row, integration, id, auth, credentials, config, metadata, created_at, updated_at, version, renew_at, \
         failures, failed_at, failure, refused, rejected_since, end_user, tags, webhook_url"
    };
}

/// Adds or replaces a connection; the flag is true if it is new.
pub(super) async fn put(db: &mut Db, new: &NewConnection) -> DbResult<(Connection, bool)> {
    // A row that was just inserted has no earlier version, so `xmax` is 0.
    const PUT: &str = concat!(
        "INSERT INTO nango_rs.connections AS c (integration, id, auth, credentials, config, metadata, created_at, \
         updated_at, renew_at) SELECT $1, $2, $3, $4, $5, coalesce($6, '{}'), now, now, $7 FROM (SELECT ",
        now!(),
        " AS now) clock ON CONFLICT (integration, id) DO UPDATE SET auth = excluded.auth, \
         credentials = excluded.credentials, config = excluded.config, metadata = coalesce($6, c.metadata), \
         updated_at = greatest(c.updated_at, excluded.updated_at), renew_at = excluded.renew_at, \
         version = c.version + 1, refresh_holder = NULL, refresh_until = NULL, failures = 0, failed_at = NULL, \
         failure = NULL, refused = 0, rejected_since = NULL RETURNING xmax = 0 AS is_new, ",
        columns!()
    );
    let newer =
        encryption::reseal_if_needed(db, &new.credentials, &credentials_context(&new.integration, &new.id)).await?;
    exclusion::exclude_new_connections(db).await?;
    let put = db
        .query(PUT)
        .bind(&new.integration)
        .bind(&new.id)
        .bind(&new.auth)
        .bind(newer.as_ref().unwrap_or(&new.credentials))
        .bind(to_json(&new.config)?)
        .bind(new.metadata.as_ref().map(to_json).transpose()?)
        .bind(new.refresh_at);
    let row = put.fetch_one(&mut *db.sql).await?;
    let is_new = row.try_get("is_new")?;
    let mut stored = connection(&row)?;
    if !new.profile.is_empty() {
        stored.profile = put_profile(db, stored.row, new.profile.apply(stored.profile)).await?;
    }
    Ok((stored, is_new))
}

/// Returns a connection by integration and id.
pub(super) async fn find(db: &mut Db, integration: &str, id: &str) -> DbResult<Option<Connection>> {
    const FIND: &str = concat!("SELECT ", columns!(), " FROM nango_rs.connections WHERE integration = $1 AND id = $2");
    if integration.contains('\0') || id.contains('\0') {
        return Ok(None);
    }
    let found = db.query(FIND).bind(integration).bind(id).fetch_optional(&mut *db.sql).await?;
    found.as_ref().map(connection).transpose()
}

/// Returns a connection by its row number.
pub(super) async fn find_by_row(db: &mut Db, row: i64) -> DbResult<Option<Connection>> {
    const FIND: &str = concat!("SELECT ", columns!(), " FROM nango_rs.connections WHERE row = $1");
    let found = db.query(FIND).bind(row).fetch_optional(&mut *db.sql).await?;
    found.as_ref().map(connection).transpose()
}

/// Returns all connections, or those of one integration.
pub(super) async fn list(db: &mut Db, integration: Option<&str>) -> DbResult<Vec<Connection>> {
    const LIST: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM nango_rs.connections WHERE $1 IS NULL OR integration = $1 ORDER BY integration, id"
    );
    let found = db.query(LIST).bind(integration).fetch_all(&mut *db.sql).await?;
    found.iter().map(connection).collect()
}

/// Returns a page of the selected connections.
pub(super) async fn select(db: &mut Db, query: &ConnectionQuery) -> DbResult<Vec<Connection>> {
    // The collation "C" has only the case of ASCII letters, as SQLite.
    const SELECT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM nango_rs.connections WHERE ($1::text[] IS NULL OR integration = ANY($1)) AND ($2 IS NULL OR id = $2) \
         AND ($3 IS NULL OR strpos(lower(id COLLATE \"C\"), $3) > 0 \
         OR strpos(lower((end_user::json ->> 'display_name') COLLATE \"C\"), $3) > 0 \
         OR strpos(lower((end_user::json ->> 'email') COLLATE \"C\"), $3) > 0) \
         AND ($4 IS NULL OR end_user::json ->> 'id' = $4) \
         AND ($5 IS NULL OR end_user::json #>> '{organization,id}' = $5) \
         AND ($6 = '{}' OR tags::jsonb @> $6::jsonb) ORDER BY row LIMIT $7 OFFSET $8"
    );
    let texts = [&query.id, &query.search, &query.end_user, &query.organization].into_iter().flatten();
    let tags = query.tags.iter().flat_map(|(key, value)| [key, value]);
    if texts.chain(tags).chain(query.integrations.iter().flatten()).any(|text| text.contains('\0')) {
        return Ok(Vec::new());
    }
    let select = db
        .query(SELECT)
        .bind(&query.integrations)
        .bind(&query.id)
        .bind(query.search.as_deref().map(str::to_ascii_lowercase))
        .bind(&query.end_user)
        .bind(&query.organization)
        .bind(json_text(&query.tags)?)
        .bind(i64::from(query.limit))
        .bind(i64::try_from(query.offset).unwrap_or(i64::MAX));
    let found = select.fetch_all(&mut *db.sql).await?;
    found.iter().map(connection).collect()
}

/// Changes the profile of a connection and returns the connection, or `None` if there is no such connection.
pub(super) async fn change_profile(
    db: &mut Db,
    integration: &str,
    id: &str,
    change: &ProfileChange,
) -> DbResult<Option<Connection>> {
    const TOUCH: &str = concat!(
        "UPDATE nango_rs.connections SET updated_at = greatest(updated_at, ",
        now!(),
        ") WHERE integration = $1 AND id = $2 RETURNING ",
        columns!()
    );
    if change.is_empty() {
        return find(db, integration, id).await;
    }
    // The row is locked before its profile is read.
    let found = db.query(TOUCH).bind(integration).bind(id).fetch_optional(&mut *db.sql).await?;
    let Some(mut stored) = found.as_ref().map(connection).transpose()? else { return Ok(None) };
    stored.profile = put_profile(db, stored.row, change.apply(stored.profile)).await?;
    Ok(Some(stored))
}

async fn put_profile(db: &mut Db, row: i64, profile: ConnectionProfile) -> DbResult<ConnectionProfile> {
    const PUT: &str = "UPDATE nango_rs.connections SET end_user = $2, tags = $3, webhook_url = $4 WHERE row = $1";
    exclusion::exclude_new_connections(db).await?;
    let put = db
        .query(PUT)
        .bind(row)
        .bind(profile.end_user.as_ref().map(json_text).transpose()?)
        .bind(json_text(&profile.tags)?)
        .bind(&profile.webhook_url);
    put.execute(&mut *db.sql).await?;
    Ok(profile)
}

/// Changes the metadata of all these connections, or of none. Returns the first id that does not exist.
pub(super) async fn change_all_metadata(
    db: &mut Db,
    integration: &str,
    ids: &[String],
    change: &MetadataChange,
) -> DbResult<Option<String>> {
    // All rows are locked in one order, so that concurrent changes do not wait for each other in a circle.
    const LOCK: &str = "SELECT id FROM nango_rs.connections WHERE integration = $1 AND id = ANY($2) ORDER BY row \
                        FOR NO KEY UPDATE";
    if let Some(missing) = ids.iter().find(|id| id.contains('\0')) {
        return Ok(Some(missing.clone()));
    }
    let found: Vec<String> = db.query_scalar(LOCK).bind(integration).bind(ids).fetch_all(&mut *db.sql).await?;
    if let Some(missing) = ids.iter().find(|id| !found.contains(id)) {
        return Ok(Some(missing.clone()));
    }
    for id in ids {
        change_metadata(db, integration, id, change).await?;
    }
    Ok(None)
}

/// Changes the metadata of a connection and returns the result, or `None` if there is no such connection.
pub(super) async fn change_metadata(
    db: &mut Db,
    integration: &str,
    id: &str,
    change: &MetadataChange,
) -> DbResult<Option<Map<String, Value>>> {
    const LOCK: &str =
        "SELECT row, metadata FROM nango_rs.connections WHERE integration = $1 AND id = $2 FOR NO KEY UPDATE";
    const CHANGE: &str = concat!(
        "UPDATE nango_rs.connections SET metadata = $2, updated_at = greatest(updated_at, ",
        now!(),
        ") WHERE row = $1"
    );
    let found: Option<(i64, String)> =
        db.query_as(LOCK).bind(integration).bind(id).fetch_optional(&mut *db.sql).await?;
    let Some((row, stored)) = found else { return Ok(None) };
    let metadata = match change {
        MetadataChange::Replace(metadata) => metadata.clone(),
        MetadataChange::Merge(fields) => {
            let mut metadata = object(&stored)?;
            metadata.extend(fields.clone());
            metadata
        }
    };
    db.query(CHANGE).bind(row).bind(to_json(&metadata)?).execute(&mut *db.sql).await?;
    Ok(Some(metadata))
}

/// Replaces configuration and credentials by versions with more secrets sealed. Returns `false`, without a write, if
/// the connection has changed since the given version or a refresh of its token is in progress.
pub(super) async fn seal_config(
    db: &mut Db,
    row: i64,
    version: i64,
    credentials: &[u8],
    config: &Map<String, Value>,
) -> DbResult<bool> {
    const SEAL: &str = "UPDATE nango_rs.connections SET credentials = $3, config = $4 \
                        WHERE row = $1 AND version = $2 AND refresh_holder IS NULL";
    let seal = db.query(SEAL).bind(row).bind(version).bind(credentials).bind(to_json(config)?);
    Ok(seal.execute(&mut *db.sql).await?.rows_affected() > 0)
}

/// Returns a value that the program stored under this name.
pub(super) async fn meta_value(db: &mut Db, name: &str) -> DbResult<Option<Vec<u8>>> {
    const FIND: &str = "SELECT value FROM nango_rs.meta WHERE key = 'note:' || $1";
    let found: Option<(Vec<u8>,)> = db.query_as(FIND).bind(name).fetch_optional(&mut *db.sql).await?;
    Ok(found.map(|(value,)| value))
}

/// Stores a value, or removes it.
pub(super) async fn put_meta_value(db: &mut Db, name: &str, value: Option<&[u8]>) -> DbResult<()> {
    const PUT: &str = "INSERT INTO nango_rs.meta (key, value) VALUES ('note:' || $1, $2) \
                       ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    const DROP: &str = "DELETE FROM nango_rs.meta WHERE key = 'note:' || $1";
    match value {
        Some(value) => db.query(PUT).bind(name).bind(value).execute(&mut *db.sql).await?,
        None => db.query(DROP).bind(name).execute(&mut *db.sql).await?,
    };
    Ok(())
}

/// Removes a connection and everything that belongs to it. Its active runs are cancelled first, so that none of them
/// can write a record afterwards. The rows of its datasets stay, for their sequence numbers.
pub(super) async fn remove(db: &mut Db, integration: &str, id: &str) -> DbResult<Option<RemovedConnection>> {
    const CONNECTION: &str = "DELETE FROM nango_rs.connections WHERE integration = $1 AND id = $2";
    const FUNCTIONS: &str = "SELECT id FROM nango_rs.functions WHERE integration = $1 AND connection = $2";
    const CANCEL: &str = concat!(
        "UPDATE nango_rs.runs SET status = 'cancelled', finished_at = ",
        now!(),
        " WHERE status = 'running' AND function = ANY($1) RETURNING row"
    );
    const DATASETS: &str = "SELECT id, scan FROM nango_rs.datasets WHERE integration = $1 AND connection = $2 \
                            ORDER BY id FOR UPDATE";
    const EMPTY: &str = "UPDATE nango_rs.datasets SET live = 0, bytes = 0, scan = NULL, scan_function = NULL, \
                         scan_start = NULL, waits = FALSE WHERE id = ANY($1)";
    exclusion::exclude_shared(db).await?;
    if db.query(CONNECTION).bind(integration).bind(id).execute(&mut *db.sql).await?.rows_affected() == 0 {
        return Ok(None);
    }
    let functions: Vec<i64> = db.query_scalar(FUNCTIONS).bind(integration).bind(id).fetch_all(&mut *db.sql).await?;
    let runs: Vec<i64> = db.query_scalar(CANCEL).bind(&functions).fetch_all(&mut *db.sql).await?;
    let datasets: Vec<(i64, Option<i64>)> =
        db.query_as(DATASETS).bind(integration).bind(id).fetch_all(&mut *db.sql).await?;
    let scans: Vec<_> = datasets.iter().filter_map(|(_, scan)| *scan).collect();
    let datasets: Vec<_> = datasets.into_iter().map(|(id, _)| id).collect();
    let mut records = 0;
    for (statement, rows) in [
        ("DELETE FROM nango_rs.record_keys WHERE dataset = ANY($1)", &datasets),
        ("DELETE FROM nango_rs.records WHERE dataset = ANY($1)", &datasets),
        ("DELETE FROM nango_rs.delete_states WHERE dataset = ANY($1)", &datasets),
        ("DELETE FROM nango_rs.scan_marks WHERE scan = ANY($1)", &scans),
        (EMPTY, &datasets),
        ("DELETE FROM nango_rs.checkpoints WHERE function = ANY($1)", &functions),
        ("DELETE FROM nango_rs.resume_states WHERE function = ANY($1)", &functions),
        ("DELETE FROM nango_rs.parents WHERE function = ANY($1)", &functions),
        ("DELETE FROM nango_rs.schedules WHERE function = ANY($1)", &functions),
        ("DELETE FROM nango_rs.due_runs WHERE function = ANY($1)", &functions),
        ("DELETE FROM nango_rs.locks WHERE run = ANY($1)", &runs),
    ] {
        let done = db.query(statement).bind(rows).execute(&mut *db.sql).await?;
        if statement.contains("nango_rs.records ") {
            records = done.rows_affected();
        }
    }
    // The removed runs may have been those that would have started next.
    let unblock = "UPDATE nango_rs.due_runs SET blocked = 0 WHERE integration = $1 AND blocked = 3";
    db.query(unblock).bind(integration).execute(&mut *db.sql).await?;
    Ok(Some(RemovedConnection { records }))
}

fn connection(row: &PgRow) -> DbResult<Connection> {
    let (config, metadata): (&str, &str) = (row.try_get("config")?, row.try_get("metadata")?);
    let attempts: i64 = row.try_get("failures")?;
    let failed: Option<(Timestamp, String)> =
        row.try_get::<Option<Timestamp>, _>("failed_at")?.zip(row.try_get::<Option<String>, _>("failure")?);
    let refused = row.try_get::<i64, _>("refused")? != 0;
    let rejected_since = row.try_get("rejected_since")?;
    let failure = failed.filter(|_| attempts > 0).map(|(failed_at, message)| {
        let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
        RefreshFailure { attempts, failed_at, message, refused, rejected_since }
    });
    Ok(Connection {
        row: row.try_get("row")?,
        integration: row.try_get("integration")?,
        id: row.try_get("id")?,
        auth: row.try_get("auth")?,
        credentials: row.try_get("credentials")?,
        config: object(config)?,
        metadata: object(metadata)?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
        version: row.try_get("version")?,
        refresh_at: row.try_get("renew_at")?,
        failure,
        profile: ConnectionProfile {
            end_user: optional_json(row.try_get("end_user")?)?,
            tags: optional_json(row.try_get("tags")?)?.unwrap_or_default(),
            webhook_url: row.try_get("webhook_url")?,
        },
    })
}

fn optional_json<T: DeserializeOwned>(text: Option<&str>) -> DbResult<Option<T>> {
    text.map(serde_json::from_str).transpose().map_err(|_| DbError::damaged("a connection"))
}

fn object(text: &str) -> DbResult<Map<String, Value>> {
    serde_json::from_str(text).map_err(|_| DbError::damaged("a connection"))
}

pub(super) fn to_json(object: &Map<String, Value>) -> DbResult<String> {
    json_text(object)
}

fn json_text(value: &impl Serialize) -> DbResult<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(Box::new(error)).into())
}
