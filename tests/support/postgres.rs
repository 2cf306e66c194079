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
//! This file depends only on `std`, because the tests of other crates include it by its path.

use std::{
    env,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The environment variable with the URL of a server to use instead of a throw-away one.
pub const URL_VARIABLE: &str = "NANGO_TEST_DATABASE_URL";

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

/// A server that this process started.
#[derive(Debug)]
struct OwnedServer {
    bin: PathBuf,
    folder: PathBuf,
    user: Option<(u32, u32)>,
    settings: Vec<String>,
    /// Its stdin is the pipe that it reads until the pipe closes.
    watchdog: Child,
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
                &memory_folder().unwrap_or_else(env::temp_dir),
                &["wal_level=minimal", "max_wal_senders=0", "max_wal_size=4GB"],
            ),
        }
    }

    /// Uses the server that a URL names.
    fn from_url(url: &str) -> Result<Self, String> {
        let psql =
            bin_dir("psql").ok_or_else(|| format!("{URL_VARIABLE} is set, but there is no `psql`"))?.join("psql");
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
            prefix: database_prefix(),
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
        let bin = bin_dir("initdb").ok_or_else(|| {
            format!(
                "there is no PostgreSQL server here: install `postgresql`, or set PG_BIN (the folder of `initdb`) or \
                 {URL_VARIABLE}"
            )
        })?;
        let user = unprivileged_user()?;
        // The name must be short: the path of a socket has at most 107 bytes.
        let folder = parent.join(database_prefix());
        let with_folder = |error: io::Error| format!("{}: {error}", folder.display());
        fs::create_dir(&folder).map_err(with_folder)?;
        let watchdog = spawn_watchdog(&bin, &folder, user).map_err(with_folder)?;
        let mut all: Vec<String> = [
            "fsync=off",
            "full_page_writes=off",
            "listen_addresses=",
            "max_connections=200",
            "shared_buffers=64MB",
            "autovacuum_naptime=1h",
            "log_min_messages=fatal",
        ]
        .into_iter()
        .chain(settings.iter().copied())
        .map(str::to_owned)
        .collect();
        all.push(format!("unix_socket_directories={}", folder.display()));
        let owned = OwnedServer { bin, folder, user, settings: all, watchdog };
        owned.run(
            "initdb",
            &[
                "--no-sync",
                "--no-instructions",
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C",
                "--pgdata=data",
            ],
        )?;
        owned.start()?;
        let socket_dir = owned.folder.display();
        let url = format!("postgres:///{DATABASE_PLACEHOLDER}?host={socket_dir}&user=postgres");
        let admin = format!("postgresql:///postgres?host={socket_dir}&user=postgres");
        let psql = owned.bin.join("psql");
        Ok(Self { psql, url, admin, prefix: database_prefix(), template: Mutex::new(false), owned: Some(owned) })
    }

    /// Stops the server without flushing, as a crash would. Only for a server that this process started.
    ///
    /// # Panics
    ///
    /// Panics if the server was not started by this process, or does not stop.
    pub fn crash(&self) {
        let owned = self.owned.as_ref().expect("a server that this process started");
        owned.run("pg_ctl", &["stop", "--silent", "--mode=immediate", "--pgdata=data"]).expect("a stopped server");
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
        self.owned.as_ref().map(|owned| owned.folder.join("data"))
    }

    /// Creates a command that runs as the user of the server.
    pub fn command(&self, program: &str) -> Command {
        as_user(program, self.owned.as_ref().and_then(|owned| owned.user))
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
        psql(&self.psql, &self.admin, statement).expect("a statement that the server accepts");
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
        psql(&self.server.psql, &self.url, statements).expect("statements without errors")
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
        let _ =
            psql(&self.server.psql, &self.server.admin, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

impl OwnedServer {
    /// Starts the server in its folder and waits until it accepts connections.
    fn start(&self) -> Result<(), String> {
        let options: Vec<_> = self.settings.iter().map(|setting| format!("-c '{setting}'")).collect();
        let options = format!("--options={}", options.join(" "));
        self.run("pg_ctl", &["start", "--silent", "--wait", "--timeout=60", "--log=log", "--pgdata=data", &options])
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let mut command = as_user(self.bin.join(program), self.user);
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        // A file instead of a pipe: the server inherits it, and would keep a pipe open.
        let log = fs::File::create(self.folder.join(format!("{program}.log"))).map_err(|error| error.to_string())?;
        command.stdout(log.try_clone().map_err(|error| error.to_string())?).stderr(log);
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => {
                let read = |name: String| fs::read_to_string(self.folder.join(name)).unwrap_or_default();
                Err(format!(
                    "{program} failed ({status}): {}{}",
                    read(format!("{program}.log")),
                    read("log".to_owned())
                ))
            }
            Err(error) => Err(format!("{program} does not run: {error}")),
        }
    }
}

impl Drop for OwnedServer {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// Starts the watchdog that stops the server and removes its folder. It has its own process group, so that Ctrl-C does
/// not end it first.
fn spawn_watchdog(bin: &Path, folder: &Path, user: Option<(u32, u32)>) -> io::Result<Child> {
    const SCRIPT: &str =
        "cat >/dev/null; cd /; \"$0/pg_ctl\" stop --silent --mode=immediate --pgdata=\"$1/data\"; rm -rf \"$1\"";
    use std::os::unix::process::CommandExt;
    if let Some((uid, gid)) = user {
        std::os::unix::fs::chown(folder, Some(uid), Some(gid))?;
    }
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let mut command = as_user("/bin/sh", user);
    command.args(["-c", SCRIPT]).arg(bin).arg(folder).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

fn as_user(program: impl AsRef<std::ffi::OsStr>, user: Option<(u32, u32)>) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(program);
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command.env_remove("PGDATA").env_remove("PGOPTIONS");
    command
}

/// Returns user and group id for the server, or `None` if it can run as the current user.
fn unprivileged_user() -> Result<Option<(u32, u32)>, String> {
    use std::os::unix::fs::MetadataExt;
    // A new file belongs to the user whose permissions apply.
    let probe = env::temp_dir().join(format!("{}p", database_prefix()));
    let owner = fs::File::create(&probe).and_then(|file| file.metadata()).map(|made| made.uid());
    let _ = fs::remove_file(&probe);
    if owner.map_err(|error| format!("{}: {error}", probe.display()))? != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    // vocabulary: allow (name of a system user)
    let found = ids("postgres").or_else(|| ids("nobody")).map(Some);
    // vocabulary: allow (name of a system user)
    found.ok_or_else(|| "the server cannot run as root, and there is no user `postgres` or `nobody`".to_owned())
}

/// Returns the folder of the in-memory file system if it has at least 2 GB free, enough for the databases of a test
/// process.
fn memory_folder() -> Option<PathBuf> {
    const FOLDER: &str = "/dev/shm";
    let free = Command::new("df").args(["-Pk", FOLDER]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let free = String::from_utf8_lossy(&free.stdout);
    let kilobytes: u64 = free.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    (kilobytes > 2 << 20).then(|| FOLDER.into())
}

/// Returns the folder of a server program, newest version first.
fn bin_dir(program: &str) -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = env::var_os("PG_BIN").map(PathBuf::from).into_iter().collect();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").stdin(Stdio::null()).stderr(Stdio::null()).output() {
        folders.push(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    for root in ["/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt"] {
        let mut found: Vec<_> = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        found.sort();
        folders.extend(found.into_iter().rev().map(|version| version.join("bin")));
    }
    folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    folders.into_iter().find(|folder| folder.join(program).is_file())
}

/// Returns a name prefix that no other process uses.
fn database_prefix() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    // Two machines may share a server and have processes with the same number.
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    format!("nango_{}_{}_{nanos:x}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Executes statements. If a template is still in use, tries again for up to 30 seconds.
fn psql(psql: &Path, url: &str, statements: &str) -> Result<String, String> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let mut command = Command::new(psql);
        command.args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
            "--dbname",
            url,
        ]);
        let done = command.args(["--command", statements]).stdin(Stdio::null()).output();
        let done = done.map_err(|error| format!("{} does not run: {error}", psql.display()))?;
        if done.status.success() {
            return Ok(String::from_utf8_lossy(&done.stdout).trim_end().to_owned());
        }
        let message = String::from_utf8_lossy(&done.stderr).into_owned();
        if !message.contains("is being accessed by other users") || Instant::now() > deadline {
            return Err(format!("{statements}: {message}"));
        }
        thread::sleep(Duration::from_millis(20));
    }
}
