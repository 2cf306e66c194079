//! A server that the tests start, with a watchdog that ends it with them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use super::machine::{URL_VARIABLE, as_user, bin_dir, unique_name, unprivileged_user};

/// A server that this process started.
#[derive(Debug)]
pub(super) struct OwnedServer {
    bin: PathBuf,
    folder: PathBuf,
    user: Option<(u32, u32)>,
    settings: Vec<String>,
    /// Its stdin is the pipe that it reads until the pipe closes.
    watchdog: Child,
}

impl OwnedServer {
    /// Creates a server in a new folder below `parent` and starts it, with these settings (`name=value`) in addition to
    /// those of all tests.
    pub(super) fn create(parent: &Path, settings: &[&str]) -> Result<Self, String> {
        let bin = bin_dir("initdb").ok_or_else(|| {
            format!(
                "there is no PostgreSQL server here: install `postgresql`, or set PG_BIN (the folder of `initdb`) or \
                 {URL_VARIABLE}"
            )
        })?;
        let user = unprivileged_user()?;
        // The name must be short: the path of a socket has at most 107 bytes.
        let folder = parent.join(unique_name());
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
        let owned = Self { bin, folder, user, settings: all, watchdog };
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
        Ok(owned)
    }

    /// Starts the server in its folder and waits until it accepts connections.
    pub(super) fn start(&self) -> Result<(), String> {
        let options: Vec<_> = self.settings.iter().map(|setting| format!("-c '{setting}'")).collect();
        let options = format!("--options={}", options.join(" "));
        self.run("pg_ctl", &["start", "--silent", "--wait", "--timeout=60", "--log=log", "--pgdata=data", &options])
    }

    /// Stops the server without flushing.
    pub(super) fn crash(&self) -> Result<(), String> {
        self.run("pg_ctl", &["stop", "--silent", "--mode=immediate", "--pgdata=data"])
    }

    /// Returns the folder of the server, with its socket, its log and its data.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of one of the server's programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Returns user and group id of the server, or `None` if it runs as the current user.
    pub(super) fn user(&self) -> Option<(u32, u32)> {
        self.user
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
