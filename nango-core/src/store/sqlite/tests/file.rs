//! Tests of the file: ownership, refused files, and concurrent processes.

use super::*;

#[tokio::test]
async fn new_file_is_accessible_only_to_its_owner() {
    let (dir, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let run = begin(&store).await;
    save(&store, run, 0..10, "x").await;
    #[cfg(unix)]
    for name in names(&dir) {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(dir.path().join(&name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    let before = feed(&store).await;
    store.close().await.unwrap();
    assert_eq!(names(&dir), ["nango.db"]);
    let store = Sqlite::open(&path).await.unwrap();
    // Sequence numbers, commit times and hashes persist.
    assert_eq!(feed(&store).await, before);
    assert_eq!(save(&store, run, 0..10, "x").await, [RowOutcome::Unchanged; 10]);
    let pragma = |name: &'static str| {
        store.writer.write(move |db| Ok(db.sql.pragma_query_value(None, name, |row| row.get::<_, i64>(0))?))
    };
    assert_eq!((pragma("page_size").await.unwrap(), pragma("synchronous").await.unwrap()), (8192, 2));
}

#[cfg(unix)]
#[tokio::test]
async fn new_file_has_no_wider_mode_at_any_time() {
    use std::{
        os::unix::fs::PermissionsExt,
        sync::atomic::{AtomicBool, Ordering},
    };
    let dir = tempfile::tempdir().unwrap();
    let done = AtomicBool::new(false);
    let (seen, wide) = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let (mut seen, mut wide) = (0, Vec::new());
            while !done.load(Ordering::Relaxed) {
                for suffix in ["", "-wal", "-shm", "-journal"] {
                    let Ok(found) = fs::metadata(dir.path().join(format!("nango.db{suffix}"))) else { continue };
                    seen += 1;
                    let mode = found.permissions().mode() & 0o777;
                    if mode != 0o600 && wide.len() < 10 {
                        wide.push((suffix, format!("{mode:o}")));
                    }
                }
            }
            (seen, wide)
        });
        for _ in 0..60 {
            super::super::file::open(&dir.path().join("nango.db")).unwrap();
            for name in names(&dir) {
                let _ = fs::remove_file(dir.path().join(name));
            }
        }
        done.store(true, Ordering::Relaxed);
        watcher.join().unwrap()
    });
    assert!(seen > 100 && wide.is_empty(), "{seen}, other modes: {wide:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn file_that_another_user_owns_or_may_change_is_refused() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let (dir, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let change = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for mode in [0o620, 0o602, 0o666] {
        change(&path, mode);
        let expect = format!(
            "the database DIR/nango.db cannot be used: other users may change it (mode {mode:o}): run \
             `chmod 600 DIR/nango.db`"
        );
        assert_eq!(refused(&path).await.replace(dir.path().to_str().unwrap(), "DIR"), expect);
    }
    // A file that others may only read is opened; the command prints a warning.
    change(&path, 0o644);
    let wal = dir.path().join("nango.db-wal");
    assert_eq!(crate::file_access::readable_by_others(&path), [(path.clone(), 0o644)]);
    Sqlite::open(&path).await.unwrap();
    change(&path, 0o600);
    change(&wal, 0o606);
    assert!(refused(&path).await.contains("(mode 606): run `chmod 600 DIR/nango.db-wal`"));
    change(&wal, 0o600);
    if rustix::process::geteuid().is_root() {
        chown(&path, Some(65_534), None).unwrap();
        assert!(
            refused(&path).await.contains("cannot be used: it belongs to user 65534, but this process runs as user 0")
        );
        chown(&path, Some(0), None).unwrap();
    }
    store.close().await.unwrap();
    Sqlite::open(&path).await.unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn pipes_and_dangling_links_are_refused_at_once() {
    let (dir, path) = file();
    std::os::unix::fs::symlink("elsewhere.db", &path).unwrap();
    assert_eq!(
        refused(&path).await,
        "the database DIR/nango.db cannot be created: it is a symbolic link to a file that does not exist: create that \
         file, or remove the link"
    );
    fs::remove_file(&path).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert_eq!(
        refused(&path).await,
        "the database DIR/nango.db cannot be used: it is a named pipe, not a regular file"
    );
    assert_eq!(names(&dir), ["nango.db"]);
}

#[tokio::test]
async fn foreign_files_are_refused_and_not_changed() {
    let (dir, path) = file();
    let check = async |content: &[u8], expect: &str| {
        fs::write(&path, content).unwrap();
        assert_eq!(refused(&path).await, expect);
        assert_eq!(fs::read(&path).unwrap(), content);
        assert_eq!(names(&dir), ["nango.db"]);
    };
    let garbage = "DIR/nango.db is not an SQLite database: choose another path, or restore the file from a backup";
    check(b"hello", garbage).await;
    check(&vec![7; 20_000], garbage).await;

    fs::remove_file(&path).unwrap();
    Raw::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let foreign = "DIR/nango.db is an SQLite database of another program: choose another path";
    check(&fs::read(&path).unwrap(), foreign).await;
    Raw::open(&path).unwrap().execute_batch("DROP TABLE theirs; PRAGMA application_id = 7").unwrap();
    check(&fs::read(&path).unwrap(), foreign).await;

    fs::remove_file(&path).unwrap();
    Sqlite::open(&path).await.unwrap().close().await.unwrap();
    Raw::open(&path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    // The newer program only added to the schema.
    Sqlite::open(&path).await.unwrap().close().await.unwrap();
    let required =
        "UPDATE meta SET value = CAST('99' AS BLOB) WHERE key = 'readable_from'; PRAGMA journal_mode = DELETE";
    Raw::open(&path).unwrap().execute_batch(required).unwrap();
    let newer = format!(
        "DIR/nango.db has schema version 99, this program supports versions up to {SCHEMA_VERSION}: use a newer program"
    );
    check(&fs::read(&path).unwrap(), &newer).await;

    // An empty file belongs to no program.
    fs::write(&path, b"").unwrap();
    Sqlite::open(&path).await.unwrap().close().await.unwrap();
    fs::write(&path, &fs::read(&path).unwrap()[..5000]).unwrap();
    let truncated = Sqlite::open(&path).await.unwrap_err();
    assert!(matches!(truncated, StoreError::Damaged(_)), "{truncated}");
}

#[tokio::test]
async fn unusable_path_is_reported_with_reason() {
    let (dir, path) = file();
    let parent = dir.path().display();
    let missing = Chain(&Sqlite::open(dir.path().join("no/such/nango.db")).await.unwrap_err()).to_string();
    let expect = format!(
        "the database {parent}/no/such/nango.db cannot be created: the directory {parent}/no/such does not exist; \
         create it first"
    );
    assert_eq!(missing, expect);
    fs::create_dir(&path).unwrap();
    assert_eq!(refused(&path).await, "the database DIR/nango.db cannot be opened: it is a directory");
    assert!(names(&dir) == ["nango.db"] && fs::read_dir(&path).unwrap().count() == 0);
    let empty = Chain(&Sqlite::open("").await.unwrap_err()).to_string();
    assert_eq!(empty, "the database  cannot be opened: its path is empty");
    // A directory in which no user can create a file, not even root.
    #[cfg(target_os = "linux")]
    {
        let proc = Sqlite::open("/proc/self/nango.db").await.unwrap_err();
        assert_eq!(proc.to_string(), "the database /proc/self/nango.db cannot be created");
        let source = std::error::Error::source(&proc).and_then(|source| source.downcast_ref::<std::io::Error>());
        assert!(source.is_some(), "{proc:?}");
        assert_eq!(proc.remedy(), Some(crate::error::Remedy::CheckPermissions));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_a_file() {
    let (_dir, path) = file();
    // Both create the file at the same time.
    let (one, two) = tokio::join!(Sqlite::open(&path), Sqlite::open(&path));
    let (one, two) = (Arc::new(one.unwrap()), Arc::new(two.unwrap()));
    let writers = [(&one, 0), (&two, 1)].map(|(store, offset)| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let run = begin(&*store).await;
            for n in 0..40 {
                save(&*store, run, [n * 2 + offset, 10_000], &format!("{offset}-{n}")).await;
            }
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
    let all = feed(&*one).await;
    assert_eq!(all.len(), 81);
    assert_eq!(feed(&*two).await, all);
    assert!(all.is_sorted_by_key(|row| row.last_modified_at));
    let stats = one.datasets(None, None).await.unwrap();
    assert_eq!(stats[0].live, 81);
    // Cursors of one process are valid in the other, and so are leases.
    let query = ReadQuery { cursor: Some(all[79].cursor.clone()), ..ReadQuery::default() };
    assert_eq!(two.read(&dataset(), query).await.unwrap().records, all[80..]);
    let exclusive = NewRun { key: key(), connection: None, exclusive: true, lease: Duration::from_mins(1) };
    one.start_run(exclusive.clone()).await.unwrap();
    assert!(matches!(two.start_run(exclusive).await, Err(StoreError::Busy { .. })));
    one.close().await.unwrap();
    assert_eq!(feed(&*two).await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_of_another_process_wakes_waiting_readers() {
    let (_dir, path) = file();
    let (one, two) = (Sqlite::open(&path).await.unwrap(), Sqlite::open(&path).await.unwrap());
    let run = begin(&two).await;
    let waiting = one.wait_for_change(Duration::from_mins(1));
    let started = Instant::now();
    save(&two, run, [1], "x").await;
    waiting.await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_waits_for_lock_of_another_process() {
    let (_dir, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let run = begin(&store).await;
    let other = Raw::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let page = page(&store, run, [1], "x");
    let writing = store.commit(page);
    let released = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        // Readers do not wait for the lock.
        assert_eq!(feed(&store).await, []);
        other.execute_batch("ROLLBACK").unwrap();
    };
    let (written, ()) = tokio::join!(writing, released);
    written.unwrap();
    assert_eq!(feed(&store).await.len(), 1);
}
