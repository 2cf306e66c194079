//! Throw-away `PostgreSQL`: one server for each test process, one database for each test.
//!
//! The server's programs are searched in `PG_BIN`, in the folder that `pg_config --bindir` prints, in Debian's and
//! other common folders, and on the `PATH`. The server listens only on a socket in a temporary folder. If the tests run
//! as root, which the server refuses, it runs as the user `postgres`, or else as the unprivileged system user. A
//! watchdog process reads from a pipe of the test process: when that process ends for any reason, the pipe closes, and
//! the watchdog stops the server and removes the folder.
//!
//! The server that the tests share keeps its files in memory if there is enough space, and does not wait for the disk
//! (`fsync = off`): a test may kill it, but not the machine, and the data that a killed server wrote is still in the
//! system's memory. A test or bench that measures uses [`Server::start`] with `fsync=on`.
//!
//! `NANGO_TEST_DATABASE_URL` names another server; its user must be allowed to create databases, and `psql` must be
//! installed. Nothing remains there: each test fills a database of its own and drops it.
//!
//! This file and those of its folder depend only on `std`, because the tests of other crates include it by its path.

// The paths are given because a file that is included by its path has no folder of its own.
#[path = "postgres/machine.rs"]
mod machine;
#[path = "postgres/owned_server.rs"]
mod owned_server;

use std::{
    env,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

pub use machine::URL_VARIABLE;
use owned_server::OwnedServer;

/// A server for tests.
#[derive(Debug)]
pub struct Server {
    psql: PathBuf,
    /// URL in which [`DATABASE_PLACEHOLDER`] stands for the database name.
    url: String,
    admin: String,
    /// Prefix of the database names of this process.
    prefix: String,
    template: Mutex<bool>,
    owned: Option<OwnedServer>,
}

/// A database on a test server, dropped with this value.
#[derive(Debug)]
pub struct Database {
    /// Connection URL.
    pub url: String,
    name: String,
    server: &'static Server,
}

const DATABASE_PLACEHOLDER: &str = "{database}";

/// Creates a database, cloned from a template that `migrate` (called with its URL) fills once in this process. Returns
/// `None` if there is no server to use; one line on stderr states the reason.
///
/// # Panics
///
/// Panics if skipping is not allowed (`CI`, `NANGO_TEST_REQUIRE`), or if the server refuses a statement.
pub fn database(migrate: impl FnOnce(&str)) -> Option<Database> {
    Some(server()?.database(migrate))
}

/// Creates an empty database on the server of this process. Returns `None` as [`database`] does.
///
/// # Panics
///
/// Panics as [`database`] does.
pub fn create_empty_database() -> Option<Database> {
    Some(server()?.create_empty_database())
}

/// Returns the server of this process, or `None` as [`database`] does.
///
/// # Panics
///
/// Panics as [`database`] does.
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    match SERVER.get_or_init(Server::find) {
        Ok(server) => Some(server),
        Err(reason) => {
            let is_set = |name| env::var(name).is_ok_and(|value| !matches!(&*value, "" | "0" | "false"));
            assert!(!is_set("CI") && !is_set("NANGO_TEST_REQUIRE"), "the tests of PostgreSQL must run here: {reason}");
            // Written to stderr directly, because the test harness hides the output of passing tests.
            let _ = writeln!(io::stderr(), "skipped: a test of PostgreSQL: {reason}");
            None
        }
    }
}

impl Server {
    fn find() -> Result<Self, String> {
        match env::var(URL_VARIABLE).ok().filter(|url| !url.is_empty()) {
            Some(url) => Self::from_url(&url),
            // The cost of each of hundreds of databases is mostly that of the files that a clone creates.
            None => Self::start_in(
                &machine::memory_folder().unwrap_or_else(env::temp_dir),
                &["wal_level=minimal", "max_wal_senders=0", "max_wal_size=4GB"],
            ),
        }
    }

    /// Uses the server that a URL names.
    fn from_url(url: &str) -> Result<Self, String> {
        let psql = machine::bin_dir("psql")
            .ok_or_else(|| format!("{URL_VARIABLE} is set, but there is no `psql`"))?
            .join("psql");
        let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
        let start = address.find("://").map_or(0, |index| index + 3);
        let end = address[start..].find('/').map_or(address.len(), |index| start + index);
        let mut pattern = format!("{}/{DATABASE_PLACEHOLDER}", &address[..end]);
        if let Some(query) = query {
            let _ = write!(pattern, "?{query}");
        }
        Ok(Self {
            psql,
            url: pattern,
            admin: url.to_owned(),
            prefix: machine::unique_name(),
            template: Mutex::new(false),
            owned: None,
        })
    }

    /// Starts a server with these settings (`name=value`) in addition to the usual ones of tests.
    ///
    /// # Errors
    ///
    /// Returns the reason for a skip: the server's programs are missing, or the server does not start.
    pub fn start(settings: &[&str]) -> Result<Self, String> {
        Self::start_in(&env::temp_dir(), settings)
    }

    fn start_in(parent: &Path, settings: &[&str]) -> Result<Self, String> {
        let owned = OwnedServer::create(parent, settings)?;
        let socket_dir = owned.folder().display();
        let url = format!("postgres:///{DATABASE_PLACEHOLDER}?host={socket_dir}&user=postgres");
        let admin = format!("postgresql:///postgres?host={socket_dir}&user=postgres");
        let psql = owned.program("psql");
        Ok(Self { psql, url, admin, prefix: machine::unique_name(), template: Mutex::new(false), owned: Some(owned) })
    }

    /// Stops the server without flushing, as a crash would. Only for a server that this process started.
    ///
    /// # Panics
    ///
    /// Panics if the server was not started by this process, or does not stop.
    pub fn crash(&self) {
        self.owned.as_ref().expect("a server that this process started").crash().expect("a stopped server");
    }

    /// Starts the server again after [`crash`](Self::crash).
    ///
    /// # Panics
    ///
    /// Panics if the server was not started by this process, or does not start.
    pub fn restart(&self) {
        self.owned.as_ref().expect("a server that this process started").start().expect("a started server");
    }

    /// Returns the data folder, or `None` if the server was not started by this process.
    pub fn data(&self) -> Option<PathBuf> {
        self.owned.as_ref().map(|owned| owned.folder().join("data"))
    }

    /// Returns what the server has logged since it started, or an empty text if it was not started by this process.
    ///
    /// # Panics
    ///
    /// Panics if the file cannot be read.
    pub fn log(&self) -> String {
        let file = self.owned.as_ref().map(|owned| owned.folder().join("log"));
        file.map_or_else(String::new, |file| fs::read_to_string(file).expect("the log of the server"))
    }

    /// Creates a command that runs as the user of the server.
    pub fn command(&self, program: &str) -> Command {
        machine::as_user(program, self.owned.as_ref().and_then(OwnedServer::user))
    }

    /// Returns the URL of a database by name.
    pub fn url(&self, name: &str) -> String {
        self.url.replace(DATABASE_PLACEHOLDER, name)
    }

    /// Creates a database cloned from the template, see [`database`].
    ///
    /// # Panics
    ///
    /// Panics if the server refuses a statement.
    pub fn database(&'static self, migrate: impl FnOnce(&str)) -> Database {
        if self.owned.is_none() {
            // On another server, the template would remain after this process has ended.
            let database = self.create_empty_database();
            migrate(&database.url);
            return database;
        }
        let template = format!("{}_template", self.prefix);
        {
            // One at a time: a template must not be in use while it is cloned.
            let mut made = self.template.lock().unwrap_or_else(PoisonError::into_inner);
            if !*made {
                self.sql(&format!(
                    "CREATE DATABASE {template} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
                ));
                migrate(&self.url(&template));
                *made = true;
            }
        }
        self.create(&template)
    }

    /// Creates an empty database.
    pub fn create_empty_database(&'static self) -> Database {
        self.create("template0")
    }

    fn create(&'static self, template: &str) -> Database {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}_{}", self.prefix, NUMBER.fetch_add(1, Ordering::Relaxed));
        // Copying the files takes half the time of writing each page to the log.
        self.sql(&format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"));
        Database { url: self.url(&name), name, server: self }
    }

    fn sql(&self, statement: &str) {
        machine::psql(&self.psql, &self.admin, statement).expect("a statement that the server accepts");
    }
}

impl Database {
    /// Name of the database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the URL with one more parameter, `name=value`.
    pub fn url_with(&self, parameter: &str) -> String {
        let separator = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{separator}{parameter}", self.url)
    }

    /// Executes statements in the database, bypassing the product. Returns their results, one row per line, with `|`
    /// between columns.
    ///
    /// # Panics
    ///
    /// Panics if a statement fails.
    pub fn sql(&self, statements: &str) -> String {
        machine::psql(&self.server.psql, &self.url, statements).expect("statements without errors")
    }

    /// Returns schema and data as statements that [`sql`](Self::sql) can execute, using the `pg_dump` next to `psql`.
    ///
    /// # Panics
    ///
    /// Panics if `pg_dump` is missing or fails.
    pub fn dump(&self) -> String {
        let mut command = Command::new(self.server.psql.with_file_name("pg_dump"));
        command.args(["--inserts", "--no-owner", "--no-privileges", "--dbname", &self.url]).stdin(Stdio::null());
        let done = command.output().expect("`pg_dump` runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        // Lines such as `\restrict` are commands for `psql` only.
        let text = String::from_utf8(done.stdout).expect("UTF-8");
        text.lines().filter(|line| !line.starts_with('\\')).fold(String::new(), |all, line| all + line + "\n")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Best effort: the server of this process is removed with all its databases.
        let _ = machine::psql(
            &self.server.psql,
            &self.server.admin,
            &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
        );
    }
}
