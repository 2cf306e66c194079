//! A pooler that lends a connection for one transaction: Debian's `pgbouncer`, in front of the server of the tests.
//!
//! It listens on a socket in a folder of the server's, and ends with the value that stands for it, or with the process.

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

/// Connections to the server, shared by all clients.
const POOL_SIZE: u32 = 3;
/// Part of the name of its socket.
const PORT: u32 = 6432;

/// A running pooler in transaction mode.
#[derive(Debug)]
pub struct PgBouncer {
    folder: PathBuf,
    /// Its input is a pipe that ends with this process.
    child: Child,
}

impl PgBouncer {
    /// Starts one with three connections. `None`: something is missing here, which was said.
    ///
    /// # Panics
    ///
    /// It does not start, or skipping is not allowed here: see [`tools::required`].
    pub fn start() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = postgres::server()?;
        let Some(data) = server.data() else {
            return tools::skip("a pooler", format!("the server of {} is not ours", postgres::URL_VARIABLE));
        };
        // Debian keeps it away from the PATH of users.
        let program = tools::find("pgbouncer").unwrap_or_else(|| PathBuf::from("/usr/sbin/pgbouncer"));
        if !program.is_file() {
            return tools::skip("a pooler", "it needs `pgbouncer` (on Debian: apt-get install pgbouncer)");
        }
        let socket = data.parent().expect("the folder of the server");
        let folder = socket.join(format!("b{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&folder).expect("a folder");
        let (at, server_at) = (folder.display(), socket.display());
        let settings = format!(
            "[databases]\n* = host={server_at} user=postgres\n[pgbouncer]\nunix_socket_dir={at}\nlisten_port={PORT}\n\
             auth_type=any\npool_mode=transaction\ndefault_pool_size={POOL_SIZE}\nmax_db_connections={POOL_SIZE}\n\
             max_client_conn=200\nlogfile={at}/log\n"
        );
        let file = folder.join("pgbouncer.ini");
        fs::write(&file, settings).expect("a file of settings");
        // It refuses to run as root, and so does the server.
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

    /// The URL of a database through it, as the product needs it.
    pub fn url(&self, database: &Database) -> String {
        let at = self.folder.display();
        format!("postgres:///{}?host={at}&port={PORT}&user=postgres&statement-cache-capacity=0", database.name())
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
