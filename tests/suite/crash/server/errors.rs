//! Errors of the database server during a run: it is read-only, its disk is full, or another session locks what a page
//! needs. The error names the cause, nothing is written partially, and the next run resumes.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use nango_tests::{DatabaseKind, Output, Running, postgres, rng};
use tempfile::TempDir;

use super::{
    super::{proof_sync::ProofSync, scenario::Scenario},
    END_SESSIONS, proxy,
};

#[track_caller]
fn assert_reported(refused: &Output, statuses: &[i32], expected_message: &str) {
    let all = format!("{}{}", refused.stdout, refused.stderr);
    let status = refused.status.expect("an exit code");
    assert!(statuses.contains(&status) && all.contains(expected_message), "{status}: {all}");
}

/// Starts a sync, and waits until some of its pages are written.
fn start_and_wait_for_pages(scenario: &mut Scenario, sync: ProofSync) -> Running {
    scenario.upstream.set_response_delay(Duration::from_millis(40));
    let mut running = scenario.start(sync);
    running.wait_until("some pages", |_| {
        let count: u64 = scenario.database().sql("SELECT count(*) FROM nango_rs.records").parse().expect("a count");
        count >= 200
    });
    running
}

#[test]
fn read_only_server_is_reported_and_next_run_recovers() {
    let Some(database) = DatabaseKind::Postgres.create() else { return };
    let mut scenario = Scenario::on_database(database, "a read-only server", 7, 1_500);
    let read_only_message = "the database is read-only";
    let running = start_and_wait_for_pages(&mut scenario, ProofSync::Mapped);
    let name = scenario.database().name().to_owned();
    scenario.database().sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    // Settings of a database apply to new sessions.
    scenario.database().sql(END_SESSIONS);
    let refused = scenario.finish(ProofSync::Mapped, running, "and the server becomes read-only");
    assert_reported(&refused, &[1, 3], read_only_message);
    scenario.read_pages(1);
    let again = scenario.run_with_env(ProofSync::Mapped, &[]);
    assert_reported(&again, &[3], read_only_message);
    scenario
        .database()
        .sql(&format!("BEGIN READ WRITE; ALTER DATABASE {name} RESET default_transaction_read_only; COMMIT"));
    scenario.upstream.set_response_delay(Duration::ZERO);
    scenario.verify_recovery(ProofSync::Mapped);
}

/// A separate disk in memory for the tables of one database.
struct Disk {
    path: PathBuf,
    /// Mount point; its folder is removed after unmounting.
    _dir: TempDir,
}

impl Disk {
    /// Mounts a disk that belongs to the user of the server. Returns `None` if mounting is not permitted.
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
        let du_output = Command::new("du").arg("-sk").arg(&self.path).output().expect("`du`");
        let du_output = String::from_utf8_lossy(&du_output.stdout).into_owned();
        du_output.split_whitespace().next().and_then(|used| used.parse().ok()).expect("a size")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Best effort: while the server uses the disk, it stays mounted until the server ends.
        self.command("umount", &["-l"]);
    }
}

#[test]
fn full_server_disk_is_reported_and_next_run_recovers() {
    let Some(server) = postgres::server() else { return };
    let (admin, base) = (server.create_empty_database(), server.create_empty_database());
    let disk = proxy::socket_of(&base.url).and_then(|socket| Disk::mount(&socket));
    let Some(disk) = disk else {
        // Not required on CI either, where containers are seldom allowed to mount. The product's handling of the error
        // is tested next to its code.
        let _ = writeln!(io::stderr(), "skipped: a full disk of the server: only root may mount a small one");
        return;
    };
    let space = format!("{}_space", base.name());
    admin.sql(&format!("CREATE TABLESPACE {space} LOCATION '{}'", disk.path.display()));
    admin.sql(&format!("ALTER DATABASE {} SET TABLESPACE {space}", base.name()));
    let mut scenario = Scenario::on_database(base.into(), "a full disk of the server", 8, 3_000);
    let disk_full_message = "the disk is full: nothing of this page was written. Free some space and run again";
    for sync in ProofSync::ALL {
        disk.resize(disk.used() + 300);
        let refused = scenario.run_with_env(sync, &[]);
        assert_reported(&refused, &[1, 3], disk_full_message);
        scenario.read_pages(1);
        // Two failures in a row: the second run resumes from what the first left in the database.
        let again = scenario.run_with_env(sync, &[]);
        assert_reported(&again, &[1, 3], disk_full_message);
        disk.resize(100 << 10);
        scenario.verify_recovery(sync);
    }
    drop(scenario);
    admin.sql(&format!("DROP TABLESPACE {space}"));
}

/// Takes one lock timeout of a writer (a minute), so it runs in the long version only.
#[test]
fn dataset_locked_by_another_session_is_reported_and_next_run_recovers() {
    if !rng::is_long_run() {
        return;
    }
    let Some(database) = DatabaseKind::Postgres.create() else { return };
    let mut scenario = Scenario::on_database(database, "a locked dataset", 9, 1_500);
    let running = start_and_wait_for_pages(&mut scenario, ProofSync::Mapped);
    let database = scenario.database();
    let refused = thread::scope(|scope| {
        let lock_dataset = "BEGIN; SELECT 1 FROM nango_rs.datasets FOR UPDATE; SELECT pg_sleep(75); ROLLBACK";
        scope.spawn(|| database.sql(lock_dataset));
        running.finish()
    });
    scenario.log_step("a run whose dataset is locked");
    assert_reported(
        &refused,
        &[1, 3],
        "the database is locked by another process: the lock was not released within 60 seconds",
    );
    scenario.read_pages(1);
    scenario.upstream.set_response_delay(Duration::ZERO);
    scenario.verify_recovery(ProofSync::Mapped);
}
