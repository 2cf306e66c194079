//! Connections, and named values in `meta`.

use rusqlite::{OptionalExtension, Row, params};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    Db, clock, encryption,
    error::{DbError, DbResult},
};
use crate::store::{
    Connection, ConnectionProfile, ConnectionQuery, MetadataChange, NewConnection, ProfileChange, RefreshFailure,
    RemovedConnection, StoreError, credentials_context,
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT row, integration, id, auth, credentials, config, metadata, created_at, updated_at, version, \
             renew_at, failures, failed_at, failure, refused, rejected_since, end_user, tags, webhook_url \
             FROM connections ",
            $rest
        )
    };
}

/// Adds or replaces a connection; the flag is true if it is new.
pub(super) fn put(db: &Db, new: &NewConnection) -> DbResult<(Connection, bool)> {
    let now = db.shared.clock.now();
    let known = find(db, &new.integration, &new.id)?;
    let newer = encryption::reseal_if_needed(db, &new.credentials, &credentials_context(&new.integration, &new.id))?;
    let metadata = new.metadata.as_ref().or(known.as_ref().map(|known| &known.metadata));
    db.sql
        .prepare_cached(
            "INSERT INTO connections (integration, id, auth, credentials, config, metadata, created_at, updated_at, \
             renew_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8) \
             ON CONFLICT (integration, id) DO UPDATE SET auth = excluded.auth, credentials = excluded.credentials, \
             config = excluded.config, metadata = excluded.metadata, updated_at = excluded.updated_at, \
             renew_at = excluded.renew_at, version = version + 1, refresh_holder = NULL, refresh_until = NULL, \
             failures = 0, failed_at = NULL, failure = NULL, refused = 0, rejected_since = NULL",
        )?
        .execute(params![
            new.integration,
            new.id,
            new.auth,
            newer.as_ref().unwrap_or(&new.credentials),
            to_json(&new.config)?,
            metadata.map_or_else(|| Ok("{}".to_owned()), to_json)?,
            now,
            new.refresh_at,
        ])?;
    let mut stored = find(db, &new.integration, &new.id)?.ok_or_else(|| DbError::damaged("a connection"))?;
    if !new.profile.is_empty() {
        stored.profile = put_profile(db, stored.row, new.profile.apply(stored.profile))?;
    }
    Ok((stored, known.is_none()))
}

/// Returns a connection by integration and id.
pub(super) fn find(db: &Db, integration: &str, id: &str) -> DbResult<Option<Connection>> {
    let mut find = db.sql.prepare_cached(select!("WHERE integration = ?1 AND id = ?2"))?;
    find.query_row([integration, id], |row| Ok(connection(row))).optional()?.transpose()
}

/// Returns a connection by its row number.
pub(super) fn find_by_row(db: &Db, row: i64) -> DbResult<Option<Connection>> {
    let mut find = db.sql.prepare_cached(select!("WHERE row = ?1"))?;
    find.query_row([row], |row| Ok(connection(row))).optional()?.transpose()
}

/// Returns all connections, or those of one integration.
pub(super) fn list(db: &Db, integration: Option<&str>) -> DbResult<Vec<Connection>> {
    let mut list = db.sql.prepare_cached(select!("WHERE ?1 IS NULL OR integration = ?1 ORDER BY integration, id"))?;
    list.query_and_then([integration], connection)?.collect()
}

/// Returns a page of the selected connections.
pub(super) fn select(db: &Db, query: &ConnectionQuery) -> DbResult<Vec<Connection>> {
    let mut select = db.sql.prepare_cached(select!(
        "AS c WHERE (?1 IS NULL OR integration IN (SELECT value FROM json_each(?1))) AND (?2 IS NULL OR id = ?2) \
         AND (?3 IS NULL OR instr(lower(id), ?3) > 0 OR instr(lower(end_user ->> '$.display_name'), ?3) > 0 \
         OR instr(lower(end_user ->> '$.email'), ?3) > 0) AND (?4 IS NULL OR end_user ->> '$.id' = ?4) \
         AND (?5 IS NULL OR end_user ->> '$.organization.id' = ?5) \
         AND NOT EXISTS (SELECT 1 FROM json_each(?6) AS wanted WHERE NOT EXISTS (SELECT 1 FROM json_each(c.tags) \
         AS tag WHERE tag.key = wanted.key AND tag.value = wanted.value)) ORDER BY row LIMIT ?7 OFFSET ?8"
    ))?;
    let found = select.query_and_then(
        params![
            query.integrations.as_ref().map(json_text).transpose()?,
            query.id,
            query.search.as_deref().map(str::to_ascii_lowercase),
            query.end_user,
            query.organization,
            json_text(&query.tags)?,
            query.limit,
            i64::try_from(query.offset).unwrap_or(i64::MAX),
        ],
        connection,
    )?;
    found.collect()
}

/// Changes the profile of a connection and returns the connection, or `None` if there is no such connection.
pub(super) fn change_profile(
    db: &Db,
    integration: &str,
    id: &str,
    change: &ProfileChange,
) -> DbResult<Option<Connection>> {
    let Some(mut stored) = find(db, integration, id)? else { return Ok(None) };
    if !change.is_empty() {
        stored.profile = put_profile(db, stored.row, change.apply(stored.profile))?;
        stored.updated_at = db.shared.clock.now();
        let touch = "UPDATE connections SET updated_at = ?2 WHERE row = ?1";
        db.sql.prepare_cached(touch)?.execute(params![stored.row, stored.updated_at])?;
    }
    Ok(Some(stored))
}

fn put_profile(db: &Db, row: i64, profile: ConnectionProfile) -> DbResult<ConnectionProfile> {
    let put = "UPDATE connections SET end_user = ?2, tags = ?3, webhook_url = ?4 WHERE row = ?1";
    db.sql.prepare_cached(put)?.execute(params![
        row,
        profile.end_user.as_ref().map(json_text).transpose()?,
        json_text(&profile.tags)?,
        profile.webhook_url,
    ])?;
    Ok(profile)
}

/// Changes the metadata of all these connections, or of none. Returns the first id that does not exist.
pub(super) fn change_all_metadata(
    db: &Db,
    integration: &str,
    ids: &[String],
    change: &MetadataChange,
) -> DbResult<Option<String>> {
    for id in ids {
        if find(db, integration, id)?.is_none() {
            return Ok(Some(id.clone()));
        }
    }
    for id in ids {
        change_metadata(db, integration, id, change.clone())?;
    }
    Ok(None)
}

/// Changes the metadata of a connection and returns the result, or `None` if there is no such connection.
pub(super) fn change_metadata(
    db: &Db,
    integration: &str,
    id: &str,
    change: MetadataChange,
) -> DbResult<Option<Map<String, Value>>> {
    let Some(known) = find(db, integration, id)? else { return Ok(None) };
    let metadata = match change {
        MetadataChange::Replace(metadata) => metadata,
        MetadataChange::Merge(fields) => {
            let mut metadata = known.metadata;
            metadata.extend(fields);
            metadata
        }
    };
    db.sql.prepare_cached("UPDATE connections SET metadata = ?2, updated_at = ?3 WHERE row = ?1")?.execute(params![
        known.row,
        to_json(&metadata)?,
        db.shared.clock.now()
    ])?;
    Ok(Some(metadata))
}

/// Replaces configuration and credentials by versions with more secrets sealed. Returns `false`, without a write, if
/// the connection has changed since the given version or a refresh of its token is in progress.
pub(super) fn seal_config(
    db: &Db,
    row: i64,
    version: i64,
    credentials: &[u8],
    config: &Map<String, Value>,
) -> DbResult<bool> {
    let mut seal = db.sql.prepare_cached(
        "UPDATE connections SET credentials = ?3, config = ?4 \
         WHERE row = ?1 AND version = ?2 AND refresh_holder IS NULL",
    )?;
    Ok(seal.execute(params![row, version, credentials, to_json(config)?])? > 0)
}

/// Returns a value that the program stored under this name.
pub(super) fn meta_value(db: &Db, name: &str) -> DbResult<Option<Vec<u8>>> {
    let mut find = db.sql.prepare_cached("SELECT value FROM meta WHERE key = 'note:' || ?1")?;
    Ok(find.query_row([name], |row| row.get(0)).optional()?)
}

/// Stores a value, or removes it.
pub(super) fn put_meta_value(db: &Db, name: &str, value: Option<&[u8]>) -> DbResult<()> {
    match value {
        Some(value) => {
            let put = "INSERT INTO meta (key, value) VALUES ('note:' || ?1, ?2) \
                       ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            db.sql.prepare_cached(put)?.execute(params![name, value])?
        }
        None => db.sql.prepare_cached("DELETE FROM meta WHERE key = 'note:' || ?1")?.execute([name])?,
    };
    Ok(())
}

/// Removes a connection and everything that belongs to it. Its active runs are cancelled, so that none of them can
/// write a record afterwards. The rows of its datasets stay, for their sequence numbers.
pub(super) fn remove(db: &Db, integration: &str, id: &str) -> DbResult<Option<RemovedConnection>> {
    let names = [integration, id];
    let execute = |sql: &str| db.sql.prepare_cached(sql)?.execute(names);
    if execute("DELETE FROM connections WHERE integration = ?1 AND id = ?2")? == 0 {
        return Ok(None);
    }
    let datasets = "dataset IN (SELECT id FROM datasets WHERE integration = ?1 AND connection = ?2)";
    let functions = "function IN (SELECT id FROM functions WHERE integration = ?1 AND connection = ?2)";
    execute(&format!("DELETE FROM record_keys WHERE {datasets}"))?;
    let records = execute(&format!("DELETE FROM records WHERE {datasets}"))?;
    execute(&format!("DELETE FROM delete_states WHERE {datasets}"))?;
    execute(&format!("DELETE FROM scan_marks WHERE scan IN (SELECT number FROM scans WHERE {datasets})"))?;
    execute(&format!("DELETE FROM scans WHERE {datasets}"))?;
    execute("UPDATE datasets SET live = 0, bytes = 0 WHERE integration = ?1 AND connection = ?2")?;
    execute(&format!("DELETE FROM checkpoints WHERE {functions}"))?;
    execute(&format!("DELETE FROM resume_states WHERE {functions}"))?;
    execute(&format!("DELETE FROM parents WHERE {functions}"))?;
    execute(&format!(
        "DELETE FROM locks WHERE run IN (SELECT row FROM runs WHERE status = 'running' AND {functions})"
    ))?;
    execute(&format!("DELETE FROM schedules WHERE {functions}"))?;
    execute(&format!("DELETE FROM due_runs WHERE {functions}"))?;
    // The removed runs may have been those that would have started next.
    db.sql
        .prepare_cached("UPDATE due_runs SET blocked = 0 WHERE integration = ?1 AND blocked = 3")?
        .execute([integration])?;
    let cancel =
        format!("UPDATE runs SET status = 'cancelled', finished_at = ?3 WHERE status = 'running' AND {functions}");
    db.sql.prepare_cached(&cancel)?.execute(params![integration, id, clock::system_now()])?;
    Ok(Some(RemovedConnection { records: u64::try_from(records).unwrap_or(u64::MAX) }))
}

fn connection(row: &Row<'_>) -> DbResult<Connection> {
    let object = |column| {
        let text = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
        serde_json::from_str(text).map_err(|_| DbError::damaged("a connection"))
    };
    Ok(Connection {
        row: row.get(0)?,
        integration: row.get(1)?,
        id: row.get(2)?,
        auth: row.get(3)?,
        credentials: row.get(4)?,
        config: object(5)?,
        metadata: object(6)?,
        created_at: row.get(7)?,
        updated_at: row.get(8)?,
        version: row.get(9)?,
        refresh_at: row.get(10)?,
        failure: failure(row)?,
        profile: ConnectionProfile {
            end_user: optional_json(row, 16)?,
            tags: optional_json(row, 17)?.unwrap_or_default(),
            webhook_url: row.get(18)?,
        },
    })
}

fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> DbResult<Option<T>> {
    let Some(text) = row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)? else { return Ok(None) };
    serde_json::from_str(text).map(Some).map_err(|_| DbError::damaged("a connection"))
}

fn failure(row: &Row<'_>) -> DbResult<Option<RefreshFailure>> {
    let attempts: u32 = row.get(11)?;
    let (Some(failed_at), Some(message)) = (row.get(12)?, row.get(13)?) else { return Ok(None) };
    Ok((attempts > 0).then_some(RefreshFailure {
        attempts,
        failed_at,
        message,
        refused: row.get(14)?,
        rejected_since: row.get(15)?,
    }))
}

pub(super) fn to_json(object: &Map<String, Value>) -> DbResult<String> {
    json_text(object)
}

fn json_text(value: &impl Serialize) -> DbResult<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(Box::new(error)).into())
}
