//! Opening a database: first connection, checks of the server, connection pool.
//!
//! Invariants: no error shows the URL, because it may contain a password; nothing is written to a server before it has
//! been checked; all reads happen in a transaction, because a pooler may assign a different connection after each.

use std::{io, time::Duration};

use rustls::CertificateError;
use sqlx::{
    Connection, Error, PgConnection,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

use super::{
    begin::BEGIN_OPEN,
    db::ACQUIRE_TIMEOUT,
    error::{DbError, DbResult, code, without_repetition},
    migrate, now,
    options::{Options, database_name, describe},
    owner::{self, Role},
};
use crate::{
    store::{StoreError, error::Cause, failpoint::failpoint},
    time::Timestamp,
};

/// Query: whether the database contains an incomplete copy, which is marked by a row of `meta`.
pub(super) const IS_INCOMPLETE_COPY: &str = "SELECT EXISTS (SELECT 1 FROM nango_rs.meta WHERE key = 'copying')";
/// Oldest supported major version; the tests run on it.
const MIN_VERSION: u32 = 15;
/// Maximum number of connections per process, besides the one for notifications. Each runs one transaction at a time; a
/// server accepts 100 connections by default.
const MAX_CONNECTIONS: u32 = 12;
/// Time after which an unused connection is closed.
const IDLE_TIMEOUT: Duration = Duration::from_mins(5);
/// Maximum time for the first connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// A server that was checked, and its connection pools.
pub(super) struct Opened {
    /// Connections for transactions.
    pub pool: PgPool,
    /// Connection for notifications, opened by the first waiter. `None` behind a pooler, which would assign it to
    /// others.
    pub listener_pool: Option<PgPool>,
    /// Whether statements are prepared under a name.
    pub named: bool,
    /// Values that were read during the checks.
    pub info: DatabaseInfo,
}

/// Values of an opened database.
pub(super) struct DatabaseInfo {
    /// The role of the connection.
    pub role: Role,
    /// The key of the content hashes.
    pub hash_key: [u8; 32],
    /// Time of the server's clock.
    pub now: Timestamp,
    /// Transaction counter of the server, which grows with each transaction that writes.
    pub xid: i64,
}

/// Connects and migrates the schema. An incomplete copy is accepted only if the database is opened as a copy target.
pub(super) async fn open(url: &str, target: bool) -> Result<Opened, StoreError> {
    let Options { connect: options, named } = Options::read(url)?;
    let at = describe(&options);
    let mut sql = connect(&options, &at).await?;
    let info = prepare(&mut sql, &at, target).await.map_err(|error| open_error(error, &at))?;
    // Closed, not pooled: a small server may offer only one connection.
    let _ = sql.close().await;
    failpoint!("postgres:open:ready");
    let pool = PgPoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(IDLE_TIMEOUT)
        // A broken connection is detected by the transaction, which is retried; a ping before each would cost more.
        .test_before_acquire(false)
        .connect_lazy_with(options.clone());
    let listener_pool =
        PgPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT).idle_timeout(None).max_lifetime(None);
    let listener_pool = named.then(|| listener_pool.connect_lazy_with(options));
    Ok(Opened { pool, listener_pool, named, info })
}

/// Checks the server, migrates the schema and reads the values of the database.
async fn prepare(sql: &mut PgConnection, at: &str, target: bool) -> DbResult<DatabaseInfo> {
    loop {
        let mut tx = sql.begin_with(BEGIN_OPEN).await?;
        check(&mut tx, at).await?;
        let role = owner::role(&mut tx).await?;
        owner::check(&mut tx, &role, at).await?;
        if !migrate::is_current(&mut tx, at).await? {
            tx.rollback().await?;
            migrate::migrate(sql, &role, at).await?;
            continue;
        }
        let hash_key = migrate::hash_key(&mut tx).await?;
        if !target && is_incomplete_copy(&mut tx).await? {
            return Err(StoreError::IncompleteCopy(format!("the database {at}")).into());
        }
        let (now, xid) = sample(&mut tx).await?;
        tx.commit().await?;
        return Ok(DatabaseInfo { role, hash_key, now, xid });
    }
}

async fn connect(options: &PgConnectOptions, at: &str) -> Result<PgConnection, StoreError> {
    let unreachable = |source: Cause| StoreError::Unreachable { at: at.to_owned(), source };
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options)).await;
    let error = match connecting {
        Ok(Ok(sql)) => return Ok(sql),
        Ok(Err(error)) => error,
        Err(_) => return Err(unreachable(format!("no response within {} seconds", CONNECT_TIMEOUT.as_secs()).into())),
    };
    let Some(code) = code(&error) else {
        return Err(match error {
            Error::Io(error) => match unverified(error) {
                Ok(source) => StoreError::Unverified { at: at.to_owned(), source },
                Err(error) => unreachable(error.into()),
            },
            Error::Tls(source) => StoreError::Unverified { at: at.to_owned(), source },
            error => unreachable(without_repetition(error)),
        });
    };
    let at = at.to_owned();
    Err(match code {
        "3D000" => StoreError::NoDatabase { at, name: database_name(options).to_owned() },
        code if code.starts_with("28") => StoreError::Login { at, source: without_repetition(error) },
        "42501" => StoreError::Login { at, source: without_repetition(error) },
        // Too many connections, or a server that is starting or shutting down.
        _ => StoreError::Unreachable { at, source: without_repetition(error) },
    })
}

/// Returns the reason if a TLS handshake failed because the server could not be verified, or the error otherwise.
fn unverified(error: io::Error) -> Result<Cause, io::Error> {
    let Some(handshake) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return Err(error);
    };
    Ok(match handshake {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is signed by an unknown authority".into()
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for another host name".into(),
        rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "its certificate has expired".into()
        }
        _ => error.into(),
    })
}

/// Refuses a server that this program does not support; reads only.
async fn check(sql: &mut PgConnection, at: &str) -> DbResult<()> {
    let unsupported = |reason: String| DbError::from(StoreError::UnsupportedServer { at: at.to_owned(), reason });
    let (version, encoding, recovering): (String, String, bool) = sqlx::query_as(
        "SELECT current_setting('server_version_num'), current_setting('server_encoding'), pg_is_in_recovery()",
    )
    .persistent(false)
    .fetch_one(&mut *sql)
    .await?;
    let major = version.parse::<u32>().unwrap_or(0) / 10_000;
    if major < MIN_VERSION {
        return Err(unsupported(format!("it runs PostgreSQL {major}; {MIN_VERSION} or newer is required")));
    }
    if encoding != "UTF8" {
        return Err(unsupported(format!(
            "its encoding is {encoding}; create it with `createdb --encoding UTF8 --template template0`"
        )));
    }
    if recovering {
        let reason = "it is a read-only standby; use the host of the primary in the URL";
        return Err(unsupported(reason.to_owned()));
    }
    Ok(())
}

/// Returns the time of the server's clock and its transaction counter.
async fn sample(sql: &mut PgConnection) -> DbResult<(Timestamp, i64)> {
    const SAMPLE: &str = concat!("SELECT ", now!(), ", pg_snapshot_xmax(pg_current_snapshot())::text::bigint");
    Ok(sqlx::query_as(SAMPLE).persistent(false).fetch_one(sql).await?)
}

async fn is_incomplete_copy(sql: &mut PgConnection) -> DbResult<bool> {
    Ok(sqlx::query_scalar(IS_INCOMPLETE_COPY).persistent(false).fetch_one(sql).await?)
}

/// Converts the error of an opening that failed after the login.
fn open_error(error: DbError, at: &str) -> StoreError {
    match error.into_store_error() {
        StoreError::Disconnected | StoreError::CommitUnknown => StoreError::Unreachable {
            at: at.to_owned(),
            source: "the connection broke while the database was being opened".into(),
        },
        error => error,
    }
}
