//! Key file: one key per line, the oldest first, readable by its owner only.
//!
//! Invariants: a reader only finds complete keys, and concurrent writers lose none. A file that another user owns or
//! that others may read is refused at every read, because another user may have read or chosen its keys.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use zeroize::Zeroizing;

use super::{
    KeyRing,
    error::{KeyError, KeyFileError},
    key::{Key, fill_random},
};
use crate::{
    file_access::{self, OthersAccess, UntrustedFile},
    store::KeyId,
};

/// Maximum number of bytes that are read from the file.
const MAX_FILE_BYTES: u64 = 16 * 1024;
/// Length of a line in bytes. The buffer is allocated with its final size, because growing it would leave copies in
/// memory.
const LINE_BYTES: usize = 45;

impl KeyRing {
    /// Reads the ring of a key file. If the file does not exist, it is created with a new key, readable by its owner
    /// only, and the returned flag is true. Processes that start concurrently get the same key. Keys that are added to
    /// the file later are read when they are needed.
    ///
    /// # Errors
    ///
    /// Fails if the file is invalid, cannot be read or created, belongs to another user, or can be read by others.
    pub fn from_file(path: &Path) -> Result<(Self, bool), KeyError> {
        let ring = |keys| Self::from_keys(keys, Some(path.to_owned()));
        if let Some(keys) = read(path)? {
            return Ok((ring(keys), false));
        }
        let key = Key::generate()?;
        if write(path, std::slice::from_ref(&key), WriteTarget::New).map_err(|error| KeyError::file(path, error))? {
            return Ok((ring(vec![key]), true));
        }
        let other = read(path)?.ok_or_else(|| {
            let link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
            KeyError::file(path, if link { KeyFileError::DanglingLink } else { KeyFileError::Removed })
        })?;
        Ok((ring(other), false))
    }

    /// Reads the ring of a key file. If the file does not exist, the ring is empty, and the file is created when
    /// something is sealed, so that a command that seals nothing creates no key.
    ///
    /// # Errors
    ///
    /// Fails if the file is invalid, cannot be read, belongs to another user, or can be read by others.
    pub(crate) fn from_file_if_exists(path: &Path) -> Result<Self, KeyError> {
        Ok(Self::from_keys(read(path)?.unwrap_or_default(), Some(path.to_owned())))
    }

    /// Returns the ids of the keys in a file; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// Fails if the file is invalid, cannot be read, belongs to another user, or can be read by others.
    pub(crate) fn ids_in_file(path: &Path) -> Result<Option<Vec<KeyId>>, KeyError> {
        Ok(read(path)?.map(|keys| keys.iter().map(|key| key.id).collect()))
    }

    /// Appends a new key to a key file and returns its id. Running processes read it when it is needed. A symbolic link
    /// is kept: its target is replaced, in the directory of the target.
    ///
    /// # Errors
    ///
    /// Fails if the file does not exist, is invalid, cannot be written, belongs to another user, or can be read by
    /// others.
    pub fn add_to_file(path: &Path) -> Result<KeyId, KeyError> {
        let io_error = |error: io::Error| KeyError::file(path, error);
        let resolved = fs::canonicalize(path).map_err(io_error)?;
        let path = resolved.as_path();
        // The file is locked while it is replaced. If it was replaced before the lock was acquired, start again.
        loop {
            let file = file_access::open(path).map_err(io_error)?;
            check_file(&file, path)?;
            file.lock().map_err(io_error)?;
            let keys = read_from(&file, path)?;
            if read(path)?.as_ref() != Some(&keys) {
                continue;
            }
            let key = Key::generate()?;
            let id = key.id;
            write(path, &[keys, vec![key]].concat(), WriteTarget::Existing).map_err(io_error)?;
            return Ok(id);
        }
    }
}

/// Reads the keys of a file; `None` if it does not exist.
pub(super) fn read(path: &Path) -> Result<Option<Vec<Key>>, KeyError> {
    match file_access::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(KeyError::file(path, error)),
        Ok(file) => {
            check_file(&file, path)?;
            read_from(&file, path).map(Some)
        }
    }
}

/// Returns the name of another key file in the same directory that contains the key, such as that of the database from
/// which this one was copied.
pub(super) fn find_beside(path: &Path, id: KeyId) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut files: Vec<_> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "key") && file.is_file());
    files.sort();
    let found =
        files.iter().find(|file| matches!(read(file), Ok(Some(keys)) if keys.iter().any(|key| key.id == id)))?;
    Some(found.strip_prefix("./").unwrap_or(found).display().to_string())
}

/// Refuses a file whose keys another user may have read or chosen. Checks the opened file, not its path.
fn check_file(file: &File, path: &Path) -> Result<(), KeyError> {
    let found = file.metadata().map_err(|error| KeyError::file(path, error))?;
    let refused = match file_access::check(path, &found) {
        Ok(OthersAccess::None) => return Ok(()),
        Ok(others) => UntrustedFile::mode(path, &found, others),
        Err(refused) => refused,
    };
    Err(KeyError::file(path, KeyFileError::Untrusted(refused)))
}

fn read_from(file: &File, path: &Path) -> Result<Vec<Key>, KeyError> {
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(|error| KeyError::file(path, error))?;
    Key::parse_all(&text).map_err(|error| KeyError::file(path, error))
}

/// Target of a write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WriteTarget {
    /// A file that does not exist yet.
    New,
    /// An existing file, which is replaced.
    Existing,
}

/// Writes keys to a temporary file and moves it to `path`, so that no incomplete file can be read. Returns false if a
/// new file was requested and another process created it first.
fn write(path: &Path, keys: &[Key], target: WriteTarget) -> io::Result<bool> {
    let mut suffix = [0; 8];
    fill_random(&mut suffix).map_err(io::Error::other)?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}.new", u64::from_be_bytes(suffix)));
    let new = Path::new(&name);
    let mut file = file_access::create_private().open(new)?;
    let mut text = Zeroizing::new(String::with_capacity(keys.len() * LINE_BYTES));
    for key in keys {
        text.push_str(&key.to_base64());
        text.push('\n');
    }
    let moved = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| match target {
        WriteTarget::New => fs::hard_link(new, path),
        WriteTarget::Existing => fs::rename(new, path),
    });
    if target == WriteTarget::New || moved.is_err() {
        fs::remove_file(new)?;
    }
    match moved {
        Err(error) if target == WriteTarget::New && error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        other => other.and_then(|()| sync_directory(path)).map(|()| true),
    }
}

/// Flushes the directory entry to disk, so that a key in use is not lost in a power failure.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Chain, store::Keys};

    fn text_of(error: &KeyError) -> String {
        Chain(error).to_string()
    }

    fn concurrently<T: Send>(work: impl Fn() -> T + Sync) -> Vec<T> {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(&work)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    #[test]
    fn key_file_is_created_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nango.key");
        let created = concurrently(|| KeyRing::from_file(&path).unwrap());
        assert_eq!(created.iter().filter(|(_, new)| *new).count(), 1);
        assert!(created.iter().all(|(ring, _)| *ring == created[0].0));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        is_private(&path);
        // Overwriting the file keeps its mode.
        fs::write(&path, "hush").unwrap();
        let error = text_of(&KeyRing::from_file(&path).unwrap_err());
        assert!(error.contains("nango.key") && error.contains("32 bytes") && !error.contains("hush"), "{error}");
    }

    #[test]
    fn concurrently_added_keys_are_found_when_needed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nango.key");
        assert!(KeyRing::add_to_file(&path).is_err());
        let (early, _) = KeyRing::from_file(&path).unwrap();
        let mut added = concurrently(|| KeyRing::add_to_file(&path).unwrap());
        let (late, _) = KeyRing::from_file(&path).unwrap();
        assert_eq!(late.ids()[0], early.ids()[0]);
        let mut found = late.ids()[1..].to_vec();
        added.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, added);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        is_private(&path);

        late.activate(added[3]);
        let blob = late.seal(b"hush", b"x").unwrap();
        assert_eq!(early.ids().len(), 1);
        assert_eq!(early.open(&blob, b"x").unwrap().as_slice(), b"hush");
        assert_eq!(early.ids().len(), 9);
    }

    #[cfg(unix)]
    #[test]
    fn key_file_is_refused_when_others_could_read_or_replace_it() {
        use std::os::unix::fs::{PermissionsExt, chown};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nango.key");
        KeyRing::from_file(&path).unwrap();
        let refused = || {
            let error = text_of(&KeyRing::from_file(&path).unwrap_err());
            assert_eq!(text_of(&KeyRing::add_to_file(&path).unwrap_err()), error);
            error
        };
        for (mode, verb) in [(0o644, "read"), (0o640, "read"), (0o620, "change"), (0o666, "change")] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let expect = format!(
                "the encryption key file {0}: other users may {verb} it (mode {mode:03o}): run `chmod 600 {0}`, or set \
                 the key in NANGO_ENCRYPTION_KEY instead of a file",
                path.display()
            );
            assert_eq!(refused(), expect);
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        KeyRing::from_file(&path).unwrap();
        if rustix::process::geteuid().is_root() {
            chown(&path, Some(65_534), None).unwrap();
            let error = refused();
            assert!(error.contains("belongs to user 65534, but this process runs as user 0"), "{error}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn key_file_that_is_a_pipe_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nango.key");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        for error in [KeyRing::from_file(&path).unwrap_err(), KeyRing::add_to_file(&path).unwrap_err()] {
            let error = text_of(&error);
            assert!(error.contains("it is a named pipe, not a regular file"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn symbolic_link_stays_when_a_key_is_added() {
        let folder = tempfile::tempdir().unwrap();
        let (secrets, link) = (folder.path().join("secrets"), folder.path().join("nango.key"));
        fs::create_dir(&secrets).unwrap();
        let real = secrets.join("real.key");
        std::os::unix::fs::symlink("secrets/real.key", &link).unwrap();
        let dangling = text_of(&KeyRing::from_file(&link).unwrap_err());
        assert!(dangling.contains("symbolic link to a file that does not exist"), "{dangling}");
        let (before, _) = KeyRing::from_file(&real).unwrap();
        let added = KeyRing::add_to_file(&link).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(KeyRing::from_file(&real).unwrap().0.ids(), [before.ids()[0], added]);
        assert_eq!(fs::read_dir(&secrets).unwrap().count(), 1);
        is_private(&real);
    }

    fn is_private(path: &Path) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
