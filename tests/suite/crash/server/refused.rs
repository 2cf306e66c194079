//! The server refuses in mid-run: it may only be read, its disk is full, somebody else holds what a page needs. The error
//! says which, nothing is half-written, and the next run goes on.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use nango_tests::{Output, Running, dice, postgres};
use tempfile::TempDir;

use super::{
    super::voyage::{Base, Kind, Sync, Voyage},
    END_SESSIONS, proxy,
};

#[track_caller]
fn told(refused: &Output, statuses: &[i32], told: &str) {
    let all = format!("{}{}", refused.stdout, refused.stderr);
    let status = refused.status.expect("an exit code");
    assert!(statuses.contains(&status) && all.contains(told), "{status}: {all}");
}

/// Starts a sync, and waits until some of its pages are written.
fn in_mid_run(voyage: &mut Voyage, sync: Sync) -> Running {
    voyage.upstream.pause(Duration::from_millis(40));
    let mut running = voyage.start(sync);
    running.wait_until("some pages", |_| {
        let count: u64 = voyage.database().sql("SELECT count(*) FROM nango_rs.records").parse().expect("a count");
        count >= 200
    });
    running
}

#[test]
fn a_server_that_may_only_be_read_is_told_and_got_over() {
    let Some(base) = Kind::Postgres.base() else { return };
    let mut voyage = Voyage::on(base, "a read-only server", 7, 1_500);
    let only_read = "cannot be written: the server lets it only be read";
    let running = in_mid_run(&mut voyage, Sync::Mapped);
    let name = voyage.database().name().to_owned();
    voyage.database().sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    // What is set for a database counts for new sessions.
    voyage.database().sql(END_SESSIONS);
    let refused = voyage.finish(Sync::Mapped, running, "and it may only be read");
    told(&refused, &[1, 3], only_read);
    voyage.reader_reads(1);
    let again = voyage.run_with(Sync::Mapped, &[]);
    told(&again, &[3], only_read);
    voyage
        .database()
        .sql(&format!("BEGIN READ WRITE; ALTER DATABASE {name} RESET default_transaction_read_only; COMMIT"));
    voyage.upstream.pause(Duration::ZERO);
    voyage.gets_over(Sync::Mapped);
}

/// A disk of its own, in memory, for the tables of one database.
struct Disk {
    path: PathBuf,
    /// Where it is mounted; removed after it.
    _dir: TempDir,
}

impl Disk {
    /// Makes one that belongs to whoever the server runs as. `None`: it cannot be mounted here.
    fn mount(owner: &Path) -> Option<Self> {
        let dir = tempfile::Builder::new().prefix("disk-").tempdir().expect("a temporary directory");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
        let path = dir.path().join("tables");
        fs::create_dir(&path).expect("a directory");
        let disk = Self { path, _dir: dir };
        if !disk.command("mount", &["-t", "tmpfs", "-o", "size=100m", "tmpfs"]) {
            return None;
        }
        let owner = fs::metadata(owner).expect("the server's socket");
        chown(&disk.path, Some(owner.uid()), Some(owner.gid())).expect("another owner");
        Some(disk)
    }

    fn command(&self, program: &str, arguments: &[&str]) -> bool {
        let ran = Command::new(program).args(arguments).arg(&self.path).output();
        ran.is_ok_and(|ran| ran.status.success())
    }

    fn resize(&self, kibibytes: u64) {
        assert!(self.command("mount", &["-o", &format!("remount,size={kibibytes}k")]), "a disk of {kibibytes} KiB");
    }

    fn used(&self) -> u64 {
        let told = Command::new("du").arg("-sk").arg(&self.path).output().expect("`du`");
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        told.split_whitespace().next().and_then(|used| used.parse().ok()).expect("a size")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Best effort: a server that still holds it lets go when it ends.
        self.command("umount", &["-l"]);
    }
}

#[test]
fn a_full_disk_of_the_server_is_told_and_got_over() {
    let Some(server) = postgres::server() else { return };
    let (shelf, base) = (server.empty(), server.empty());
    let disk = proxy::socket_of(&base.url).and_then(|socket| Disk::mount(&socket));
    let Some(disk) = disk else {
        // Also on CI, where containers are seldom allowed to mount. What the product makes of it is tested beside its code.
        let _ = writeln!(io::stderr(), "skipped: a full disk of the server: only root may mount a small one");
        return;
    };
    let space = format!("{}_space", base.name());
    shelf.sql(&format!("CREATE TABLESPACE {space} LOCATION '{}'", disk.path.display()));
    shelf.sql(&format!("ALTER DATABASE {} SET TABLESPACE {space}", base.name()));
    let mut voyage = Voyage::on(Base::Server(base), "a full disk of the server", 8, 3_000);
    let full = "the disk is full: nothing of this page was written. Free some space and run again";
    for sync in Sync::BOTH {
        disk.resize(disk.used() + 300);
        let refused = voyage.run_with(sync, &[]);
        told(&refused, &[1, 3], full);
        voyage.reader_reads(1);
        // Twice in a row, and what the first left behind is gone on with.
        let again = voyage.run_with(sync, &[]);
        told(&again, &[1, 3], full);
        disk.resize(100 << 10);
        voyage.gets_over(sync);
    }
    drop(voyage);
    shelf.sql(&format!("DROP TABLESPACE {space}"));
}

/// It takes as long as a writer is patient, a minute: the long version only.
#[test]
fn a_dataset_that_another_session_holds_is_told_and_got_over() {
    if !dice::is_long() {
        return;
    }
    let Some(base) = Kind::Postgres.base() else { return };
    let mut voyage = Voyage::on(base, "a held dataset", 9, 1_500);
    let running = in_mid_run(&mut voyage, Sync::Mapped);
    let database = voyage.database();
    let refused = thread::scope(|scope| {
        let hold = "BEGIN; SELECT 1 FROM nango_rs.datasets FOR UPDATE; SELECT pg_sleep(75); ROLLBACK";
        scope.spawn(|| database.sql(hold));
        running.finish()
    });
    voyage.note("a run whose dataset is held");
    told(&refused, &[1, 3], "the database is locked by another process: it did not let go within 60 seconds");
    voyage.reader_reads(1);
    voyage.upstream.pause(Duration::ZERO);
    voyage.gets_over(Sync::Mapped);
}
