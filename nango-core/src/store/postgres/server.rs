//! Opening: the URL, the first connection and what is wrong with it, the pool.
//!
//! Must stay true: no error shows the URL, which may contain a password; nothing is written to a server before it is known
//! to be one that this program can use.

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Connection, Error, PgConnection,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

use super::{
    ACQUIRE_PATIENCE,
    fault::{Fault, Outcome, server},
    migrate, now, transfer,
};
use crate::store::StoreError;

/// The oldest version that the tests run on.
const OLDEST: u32 = 15;
/// Connections that a process uses at most, besides the one that listens. Each is one transaction at a time, and a server
/// takes 100 by default.
const CONNECTIONS: u32 = 12;
/// A connection that nobody used for so long is closed.
const IDLE: Duration = Duration::from_mins(5);
/// So long a server may take to answer the first connection.
const PATIENCE: Duration = Duration::from_secs(15);

/// A server that is ready.
pub(super) struct Opened {
    /// The connections for transactions.
    pub pool: PgPool,
    /// The connection that listens; it is made when somebody waits.
    pub listening: PgPool,
    /// Whether statements are prepared under a name.
    pub named: bool,
    /// The key of the content hashes.
    pub hash_key: [u8; 32],
    /// The server's clock, microseconds since 1970.
    pub now: i64,
    /// A number that grows with each transaction that writes.
    pub xid: i64,
}

/// Connects and brings the schema up to date. A database that holds half a copy is opened as its target only.
pub(super) async fn open(url: &str, target: bool) -> Result<Opened, StoreError> {
    let options = options(url)?;
    let at = at(&options);
    let mut sql = connect(&options, &at).await?;
    let told = |fault: Fault| unusable(fault, &at);
    check(&mut sql, &at).await?;
    let hash_key = migrate::migrate(&mut sql, &at).await.map_err(told)?;
    if !target && is_half(&mut sql).await.map_err(told)? {
        return Err(StoreError::HalfCopied(format!("the database {at}")));
    }
    let (now, xid) = sample(&mut sql).await.map_err(told)?;
    // Closed and not kept: it may be the only one that a small server gives.
    let _ = sql.close().await;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_PATIENCE)
        .idle_timeout(IDLE)
        // A broken connection is found out by the transaction, which is done again: asking before each would cost more.
        .test_before_acquire(false)
        .connect_lazy_with(options.clone());
    let listening = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options);
    Ok(Opened { pool, listening, named: named(url), hash_key, now, xid })
}

fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(url).map_err(|error| {
        let reason = match &error {
            // The parser's own words have no part of the URL in them.
            Error::Configuration(source) if source.is::<url::ParseError>() => source.to_string(),
            _ => "a parameter behind `?` has a value that it cannot have".to_owned(),
        };
        StoreError::ServerUrl(reason)
    })?;
    let options = if options.get_application_name().is_none() { options.application_name("nango") } else { options };
    // Nothing here is a float, and poolers refuse settings that they do not know.
    Ok(options.extra_float_digits(None).disable_statement_logging())
}

/// Whether statements may be prepared under a name. The driver alone would name them and forget the names.
fn named(url: &str) -> bool {
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    !parameters.split('&').any(|parameter| parameter == "statement-cache-capacity=0")
}

/// The database in words: name, host and port.
fn at(options: &PgConnectOptions) -> String {
    let name = name(options);
    match options.get_socket() {
        Some(socket) => format!("`{name}` at {}", socket.display()),
        None => format!("`{name}` at {}:{}", options.get_host(), options.get_port()),
    }
}

/// A database that is not named is the one named like the user.
fn name(options: &PgConnectOptions) -> &str {
    options.get_database().unwrap_or_else(|| options.get_username())
}

async fn connect(options: &PgConnectOptions, at: &str) -> Result<PgConnection, StoreError> {
    let unreachable = |reason: String| StoreError::Unreachable { at: at.to_owned(), reason };
    let connecting = tokio::time::timeout(PATIENCE, PgConnection::connect_with(options)).await;
    let error = match connecting {
        Ok(Ok(sql)) => return Ok(sql),
        Ok(Err(error)) => error,
        Err(_) => return Err(unreachable(format!("it does not answer within {} seconds", PATIENCE.as_secs()))),
    };
    let Some(said) = server(&error) else {
        return Err(match error {
            Error::Io(error) => unreachable(error.to_string()),
            Error::Tls(error) => unreachable(format!("the encrypted connection failed: {error}")),
            error => unreachable(error.to_string()),
        });
    };
    let (at, reason) = (at.to_owned(), said.message().to_owned());
    Err(match said.code() {
        "3D000" => StoreError::NoDatabase { at, name: name(options).to_owned() },
        code if code.starts_with("28") => StoreError::Login { at, reason },
        "42501" => StoreError::Login { at, reason },
        // Too many connections; starting, stopping.
        _ => StoreError::Unreachable { at, reason },
    })
}

/// Whether the server is one that this program can use; reads only.
async fn check(sql: &mut PgConnection, at: &str) -> Result<(), StoreError> {
    let unfit = |reason: String| StoreError::Unfit { at: at.to_owned(), reason };
    let (version, encoding, recovering): (String, String, bool) = sqlx::query_as(
        "SELECT current_setting('server_version_num'), current_setting('server_encoding'), pg_is_in_recovery()",
    )
    .persistent(false)
    .fetch_one(&mut *sql)
    .await
    .map_err(|error| unusable(error.into(), at))?;
    let major = version.parse::<u32>().unwrap_or(0) / 10_000;
    if major < OLDEST {
        return Err(unfit(format!("it is PostgreSQL {major}, and {OLDEST} or newer is needed")));
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
async fn sample(sql: &mut PgConnection) -> Outcome<(i64, i64)> {
    const SAMPLE: &str = concat!("SELECT ", now!(), ", pg_snapshot_xmax(pg_current_snapshot())::text::bigint");
    Ok(sqlx::query_as(SAMPLE).persistent(false).fetch_one(sql).await?)
}

async fn is_half(sql: &mut PgConnection) -> Outcome<bool> {
    Ok(sqlx::query_scalar(transfer::IS_HALF).persistent(false).fetch_one(sql).await?)
}

/// The error of an opening that failed after the login.
fn unusable(fault: Fault, at: &str) -> StoreError {
    match fault.told() {
        StoreError::Disconnected | StoreError::CommitUnknown => StoreError::Unreachable {
            at: at.to_owned(),
            reason: "the connection broke while the database was being opened".to_owned(),
        },
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_without_its_secrets() {
        for (url, expect) in [
            ("postgres://me:hush@db.example.com:5433/shop", "`shop` at db.example.com:5433"),
            ("postgresql://me:hush@h/shop?password=hush&sslmode=disable", "`shop` at h:5432"),
            ("postgres://me:hush@h:5432", "`me` at h:5432"),
            ("postgres:///shop?host=/run/pg&user=me&password=hush", "`shop` at /run/pg"),
        ] {
            assert_eq!(at(&options(url).unwrap()), expect);
        }
        for url in [
            "postgres://me:hush@h:port/shop",
            "postgres://me:hush@[1/shop",
            "postgres://h/d?sslmode=hush&password=hush",
            "postgres://",
        ] {
            match options(url) {
                Err(error) => {
                    let told = format!("{error} {error:?}");
                    assert!(!told.contains("hush") && told.contains("postgres://user:password@host"), "{told}");
                }
                Ok(options) => assert_eq!(url, "postgres://", "{}", at(&options)),
            }
        }
    }
}
