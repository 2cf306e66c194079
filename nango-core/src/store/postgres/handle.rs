//! Handle of an open database.

use std::sync::Arc;

use sqlx::postgres::PgPool;

use super::{changes::ChangeNotifier, clock::Clock, db::Shared, server};
use crate::store::{StoreError, StoreWarning, encryption::Vault, hash::Hasher};

/// A [`Store`](crate::store::Store) on a `PostgreSQL` server.
#[derive(Debug)]
pub(crate) struct Postgres {
    pub(super) pool: PgPool,
    pub(super) shared: Arc<Shared>,
    pub(super) changes: ChangeNotifier,
    pub(super) warnings: Vec<StoreWarning>,
}

impl Postgres {
    /// Connects, checks the server and migrates the schema to the version of this program.
    ///
    /// The URL is `postgres://user@host:5432/database`. Parts that it omits are read from `PGHOST`, `PGPORT`, `PGUSER`,
    /// `PGPASSWORD`, `PGDATABASE`, `PGSSLMODE` and the password file. The query parameters are those of `libpq`
    /// (`sslmode`, `sslrootcert`, `host` for a directory with a socket, `application_name` …) and
    /// `statement-cache-capacity=0`, which disables named statements: for poolers that assign a connection per
    /// transaction and do not support them. Notifications are disabled in that case as well, so that commits of other
    /// processes are noticed within one second.
    ///
    /// Without `sslmode` and `PGSSLMODE`, a server that is reached neither through a socket nor over the loopback
    /// interface must offer TLS with a certificate that is valid for the host (`verify-full`) and signed by a known
    /// authority or by one in the file of `sslrootcert`.
    ///
    /// # Errors
    ///
    /// Fails if the URL is invalid; if the server cannot be reached, cannot prove its identity, refuses the login, is
    /// too old or is read-only; or if the database does not exist, belongs to another program, has tables of a role
    /// that is not trusted, is newer than this program, or contains an incomplete copy. No error shows the password.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_as(url, false).await
    }

    /// Opens the target of a copy: like [`Self::open`], but accepts a database that contains an incomplete copy.
    ///
    /// # Errors
    ///
    /// Fails like [`Self::open`], except for an incomplete copy.
    pub(crate) async fn open_target(url: &str) -> Result<Self, StoreError> {
        Self::open_as(url, true).await
    }

    async fn open_as(url: &str, target: bool) -> Result<Self, StoreError> {
        let server::Opened { pool, listener_pool, named, info } = server::open(url, target).await?;
        let server::DatabaseInfo { role, hash_key, now, xid } = info;
        let hasher = Hasher::new(&hash_key);
        let vault = Vault::new(hasher.clone());
        let shared = Arc::new(Shared { clock: Clock::new(now), hasher, vault, named_statements: named });
        let changes = ChangeNotifier::new(pool.clone(), listener_pool, xid);
        let warnings = role.superuser.then_some(StoreWarning::Superuser { role: role.name }).into_iter().collect();
        Ok(Self { pool, shared, changes, warnings })
    }
}
