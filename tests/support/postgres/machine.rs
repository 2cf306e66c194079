//! Programs, users and folders of this machine for a server of tests.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The environment variable with the URL of a server to use instead of a throw-away one.
pub const URL_VARIABLE: &str = "NANGO_TEST_DATABASE_URL";

/// Creates a command that runs as a user, given by its user and group id, or as the current one.
pub(super) fn as_user(program: impl AsRef<std::ffi::OsStr>, user: Option<(u32, u32)>) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(program);
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command.env_remove("PGDATA").env_remove("PGOPTIONS");
    command
}

/// Returns user and group id for the server, or `None` if it can run as the current user.
pub(super) fn unprivileged_user() -> Result<Option<(u32, u32)>, String> {
    use std::os::unix::fs::MetadataExt;
    // A new file belongs to the user whose permissions apply.
    let probe = env::temp_dir().join(format!("{}p", unique_name()));
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
pub(super) fn memory_folder() -> Option<PathBuf> {
    const FOLDER: &str = "/dev/shm";
    let free = Command::new("df").args(["-Pk", FOLDER]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let free = String::from_utf8_lossy(&free.stdout);
    let kilobytes: u64 = free.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    (kilobytes > 2 << 20).then(|| FOLDER.into())
}

/// Returns the folder of a server program, newest version first.
pub(super) fn bin_dir(program: &str) -> Option<PathBuf> {
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

/// Returns a name that no other process uses: of a folder, or the prefix of the names of databases.
pub(super) fn unique_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    // Two machines may share a server and have processes with the same number.
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    format!("nango_{}_{}_{nanos:x}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Executes statements. If a template is still in use, tries again for up to 30 seconds.
pub(super) fn psql(psql: &Path, url: &str, statements: &str) -> Result<String, String> {
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
