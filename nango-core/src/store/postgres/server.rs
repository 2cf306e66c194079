//! Opening: the first connection and what is wrong with it, the pool.
//!
//! Must stay true: no error shows the URL, which may contain a password; nothing is written to a server before it is known
//! to be one that this program can use; and everything that is read is read in a transaction, because a pooler may lend
//! another connection behind each.

use std::{io, time::Duration};

use rustls::CertificateError;
use sqlx::{
    Connection, Error, PgConnection,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

use super::{
    ACQUIRE_TIMEOUT,
    error::{DbError, DbResult, database_error},
    migrate, now,
    options::{Options, database_name, describe},
    owner::{self, Role},
    transaction::BEGIN_OPEN,
    transfer,
};
use crate::store::{StoreError, failpoint::failpoint};

/// The oldest version that the tests run on.
const MIN_VERSION: u32 = 15;
/// Connections that a process uses at most, besides the one that listens. Each is one transaction at a time, and a server
/// takes 100 by default.
const MAX_CONNECTIONS: u32 = 12;
/// A connection that nobody used for so long is closed.
const IDLE_TIMEOUT: Duration = Duration::from_mins(5);
/// So long a server may take to answer the first connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// A server that is ready.
pub(super) struct Opened {
    /// The connections for transactions.
    pub pool: PgPool,
    /// The connection that listens; it is made when somebody waits. `None` behind a pooler, which would lend it on.
    pub listener_pool: Option<PgPool>,
    /// Whether statements are prepared under a name.
    pub named: bool,
    /// What was read while opening.
    pub info: DatabaseInfo,
}

/// What an opened database says of itself.
pub(super) struct DatabaseInfo {
    /// The role of the connection.
    pub role: Role,
    /// The key of the content hashes.
    pub hash_key: [u8; 32],
    /// The server's clock, microseconds since 1970.
    pub now: i64,
    /// A number that grows with each transaction that writes.
    pub xid: i64,
}

/// Connects and brings the schema up to date. A database that holds half a copy is opened as its target only.
pub(super) async fn open(url: &str, target: bool) -> Result<Opened, StoreError> {
    let Options { connect: options, named } = Options::read(url)?;
    let at = describe(&options);
    let mut sql = connect(&options, &at).await?;
    let found = prepare(&mut sql, &at, target).await.map_err(|fault| open_error(fault, &at))?;
    // Closed and not kept: it may be the only one that a small server gives.
    let _ = sql.close().await;
    failpoint!("postgres:open:ready");
    let pool = PgPoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(IDLE_TIMEOUT)
        // A broken connection is found out by the transaction, which is done again: asking before each would cost more.
        .test_before_acquire(false)
        .connect_lazy_with(options.clone());
    let listening =
        PgPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT).idle_timeout(None).max_lifetime(None);
    let listening = named.then(|| listening.connect_lazy_with(options));
    Ok(Opened { pool, listener_pool: listening, named, info: found })
}

/// Checks the server and reads what is needed of it, with the schema up to date.
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
    let unreachable = |reason: String| StoreError::Unreachable { at: at.to_owned(), reason };
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options)).await;
    let error = match connecting {
        Ok(Ok(sql)) => return Ok(sql),
        Ok(Err(error)) => error,
        Err(_) => return Err(unreachable(format!("it does not answer within {} seconds", CONNECT_TIMEOUT.as_secs()))),
    };
    let Some(server_error) = database_error(&error) else {
        return Err(match error {
            Error::Io(error) => match unverified(&error) {
                Some(reason) => StoreError::Unverified { at: at.to_owned(), reason },
                None => unreachable(error.to_string()),
            },
            Error::Tls(error) => StoreError::Unverified { at: at.to_owned(), reason: error.to_string() },
            error => unreachable(error.to_string()),
        });
    };
    let (at, reason) = (at.to_owned(), server_error.message().to_owned());
    Err(match server_error.code() {
        "3D000" => StoreError::NoDatabase { at, name: database_name(options).to_owned() },
        code if code.starts_with("28") => StoreError::Login { at, reason },
        "42501" => StoreError::Login { at, reason },
        // Too many connections; starting, stopping.
        _ => StoreError::Unreachable { at, reason },
    })
}

/// The reason why a server was not accepted, if the handshake ended with it.
fn unverified(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is signed by an unknown authority".to_owned()
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for another host name".to_owned(),
        rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "its certificate has expired".to_owned()
        }
        error => error.to_string(),
    })
}

/// Whether the server is one that this program can use; reads only.
async fn check(sql: &mut PgConnection, at: &str) -> DbResult<()> {
    let unfit = |reason: String| DbError::from(StoreError::UnsupportedServer { at: at.to_owned(), reason });
    let (version, encoding, recovering): (String, String, bool) = sqlx::query_as(
        "SELECT current_setting('server_version_num'), current_setting('server_encoding'), pg_is_in_recovery()",
    )
    .persistent(false)
    .fetch_one(&mut *sql)
    .await?;
    let major = version.parse::<u32>().unwrap_or(0) / 10_000;
    if major < MIN_VERSION {
        return Err(unfit(format!("it is PostgreSQL {major}, and {MIN_VERSION} or newer is needed")));
    }
    if encoding != "UTF8" {
        return Err(unfit(format!(
            "its encoding is {encoding}: create it with `createdb --encoding UTF8 --template template0`"
        )));
    }
    if recovering {
        return Err(unfit("it is a standby, which can only be read: write the primary's host into the URL".to_owned()));
    }
    Ok(())
}

/// The server's clock and its transaction counter.
async fn sample(sql: &mut PgConnection) -> DbResult<(i64, i64)> {
    const SAMPLE: &str = concat!("SELECT ", now!(), ", pg_snapshot_xmax(pg_current_snapshot())::text::bigint");
    Ok(sqlx::query_as(SAMPLE).persistent(false).fetch_one(sql).await?)
}

async fn is_incomplete_copy(sql: &mut PgConnection) -> DbResult<bool> {
    Ok(sqlx::query_scalar(transfer::IS_INCOMPLETE_COPY).persistent(false).fetch_one(sql).await?)
}

/// The error of an opening that failed after the login.
fn open_error(fault: DbError, at: &str) -> StoreError {
    match fault.into_store_error() {
        StoreError::Disconnected | StoreError::CommitUnknown => StoreError::Unreachable {
            at: at.to_owned(),
            reason: "the connection broke while the database was being opened".to_owned(),
        },
        error => error,
    }
}
