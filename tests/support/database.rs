//! Databases that tests run on: a name for each kind, and an empty database of one.

use std::path::Path;

use crate::{
    internal::store,
    pgbouncer::PgBouncer,
    postgres::{self, Database},
    wait,
};

/// A kind of database on which a test runs the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// An `SQLite` database in memory, which only the process that opened it sees.
    SqliteInMemory,
    /// An `SQLite` file.
    Sqlite,
    /// A database on the `PostgreSQL` server of the tests.
    Postgres,
    /// A database on that server, used through a connection pooler in transaction mode.
    PooledPostgres,
}

impl DatabaseKind {
    /// An `SQLite` file and a `PostgreSQL` server.
    pub const BOTH: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// Creates an empty database, whose schema the product creates when it opens the database. Returns `None` if the
    /// server or the pooler is not available here, which is then printed.
    ///
    /// # Panics
    ///
    /// Panics if skipping is not allowed, see [`postgres::database`].
    pub fn create(self) -> Option<TestDatabase> {
        self.create_with(postgres::Server::create_empty_database)
    }

    /// Creates a database without records. On a server it is a clone of a database that has the schema already, which
    /// takes less time than [`create`](Self::create) and a migration.
    ///
    /// # Panics
    ///
    /// Panics as [`create`](Self::create) does, and if the schema cannot be created.
    pub fn create_migrated(self) -> Option<TestDatabase> {
        self.create_with(|server| {
            server.database(|url| {
                let url = url.to_owned();
                wait(async move {
                    let store = store::open(&url).await.expect("an empty database");
                    store.close().await.expect("a close");
                });
            })
        })
    }

    fn create_with(self, create: impl FnOnce(&'static postgres::Server) -> Database) -> Option<TestDatabase> {
        let on_server = match self {
            Self::SqliteInMemory | Self::Sqlite => None,
            Self::Postgres | Self::PooledPostgres => Some(create(postgres::server()?)),
        };
        let pooler = if self == Self::PooledPostgres { Some(PgBouncer::start()?) } else { None };
        Some(TestDatabase { kind: self, pooler, on_server })
    }

    /// Returns the name of the database product in lower case, as failpoints and fixtures use it.
    pub fn product(self) -> &'static str {
        match self {
            Self::SqliteInMemory | Self::Sqlite => "sqlite",
            Self::Postgres | Self::PooledPostgres => "postgres",
        }
    }
}

/// A database of one test. A database on a server is dropped with this value; a file is in a directory of the test.
#[derive(Debug)]
pub struct TestDatabase {
    kind: DatabaseKind,
    /// Ends before the database is dropped.
    pooler: Option<PgBouncer>,
    on_server: Option<Database>,
}

impl TestDatabase {
    /// Returns the kind of this database.
    pub fn kind(&self) -> DatabaseKind {
        self.kind
    }

    /// Returns the URL. A file is `nango.db` in `directory`, which is also the default database of a registry that
    /// runs there.
    pub fn url(&self, directory: &Path) -> String {
        match (&self.on_server, &self.pooler) {
            (Some(database), Some(pooler)) => pooler.url(database),
            (Some(database), None) => database.url.clone(),
            (None, _) if self.kind == DatabaseKind::SqliteInMemory => "sqlite::memory:".to_owned(),
            (None, _) => format!("sqlite:{}", directory.join("nango.db").display()),
        }
    }

    /// Returns the database on the server, for statements that bypass the product, or `None` with `SQLite`.
    pub fn on_server(&self) -> Option<&Database> {
        self.on_server.as_ref()
    }
}

impl From<Database> for TestDatabase {
    /// Uses a database that the test created itself, for example on a server of its own.
    fn from(database: Database) -> Self {
        Self { kind: DatabaseKind::Postgres, pooler: None, on_server: Some(database) }
    }
}
