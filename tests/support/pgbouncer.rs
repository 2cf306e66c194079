//! Connection pooler in transaction mode: Debian's `pgbouncer`, in front of the tests' PostgreSQL server.
//!
//! It listens on a socket in a folder of the server, and ends when its value is dropped or the process ends.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::PathBuf,
    process::{Child, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    postgres::{self, Database},
    tools,
};

/// Maximum number of connections to the server, shared by all clients.
const POOL_SIZE: u32 = 3;
/// Port number, which is part of the socket's name.
const PORT: u32 = 6432;

/// A running pooler in transaction mode.
#[derive(Debug)]
pub struct PgBouncer {
    folder: PathBuf,
    /// Its stdin is a pipe that closes when this process ends.
    child: Child,
}

impl PgBouncer {
    /// Starts a pooler with three connections. Returns `None` if the server or `pgbouncer` is missing here, which is
    /// then printed.
    ///
    /// # Panics
    ///
    /// Panics if the pooler does not start, or if skipping is not allowed: see [`tools::required`].
    pub fn start() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = postgres::server()?;
        let Some(data) = server.data() else {
            return tools::skip(
                "a pooler",
                format!("the server of {} was not started by the tests", postgres::URL_VARIABLE),
            );
        };
        // Debian installs it in a folder that is not on the PATH of users.
        let program = tools::find("pgbouncer").unwrap_or_else(|| PathBuf::from("/usr/sbin/pgbouncer"));
        if !program.is_file() {
            return tools::skip("a pooler", "it needs `pgbouncer` (on Debian: apt-get install pgbouncer)");
        }
        let socket = data.parent().expect("the folder of the server");
        let folder = socket.join(format!("b{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&folder).expect("a folder");
        let (socket_dir, server_dir) = (folder.display(), socket.display());
        let settings = format!(
            "[databases]\n* = host={server_dir} user=postgres\n[pgbouncer]\nunix_socket_dir={socket_dir}\n\
             listen_port={PORT}\nauth_type=any\npool_mode=transaction\ndefault_pool_size={POOL_SIZE}\n\
             max_db_connections={POOL_SIZE}\nmax_client_conn=200\nlogfile={socket_dir}/log\n"
        );
        let file = folder.join("pgbouncer.ini");
        fs::write(&file, settings).expect("a file of settings");
        // The pooler refuses to run as root, as the server does.
        let owner = fs::metadata(&data).expect("the server's data");
        chown(&folder, Some(owner.uid()), Some(owner.gid())).expect("another owner");
        let mut command = server.command("/bin/sh");
        command.args(["-c", "\"$0\" --quiet \"$1\" & cat >/dev/null; kill $!"]).arg(program).arg(&file);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let pooler = Self { folder, child: child.expect("a shell") };
        let started = Instant::now();
        while !pooler.folder.join(format!(".s.PGSQL.{PORT}")).exists() {
            let log = fs::read_to_string(pooler.folder.join("log")).unwrap_or_default();
            assert!(started.elapsed() < Duration::from_secs(20), "the pooler does not start: {log}");
            thread::sleep(Duration::from_millis(10));
        }
        Some(pooler)
    }

    /// Returns the URL of a database through the pooler. The statement cache is off, because transaction mode needs
    /// that.
    pub fn url(&self, database: &Database) -> String {
        let socket_dir = self.folder.display();
        format!(
            "postgres:///{}?host={socket_dir}&port={PORT}&user=postgres&statement-cache-capacity=0",
            database.name()
        )
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
