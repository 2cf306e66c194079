//! The key file: one key a line, the oldest first, for its owner only.
//!
//! Must stay true: whoever reads it finds whole keys, and two processes that write at once lose none.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use zeroize::Zeroizing;

use super::{Key, KeyError, KeyRing, random};
use crate::store::KeyId;

/// A file that is longer than this holds something else.
const LONGEST_FILE: u64 = 16 * 1024;
/// The length of a line. The text must not grow: what it grew out of would stay in memory.
const LINE: usize = 45;

impl KeyRing {
    /// The ring of a key file, and whether the file was made just now: with a new key, readable by its owner only. Two
    /// processes that start at once end with the same key. Keys that are added to the file later are found when they are
    /// needed.
    ///
    /// # Errors
    ///
    /// The file holds something else, or cannot be read or made.
    pub fn from_file(path: &Path) -> Result<(Self, bool), KeyError> {
        let ring = |keys| Self::of(keys, Some(path.to_owned()));
        if let Some(keys) = read(path)? {
            return Ok((ring(keys), false));
        }
        let key = Key::draw()?;
        if write(path, std::slice::from_ref(&key), Place::New).map_err(|error| wrong(path, error.to_string()))? {
            return Ok((ring(vec![key]), true));
        }
        let other = read(path)?.ok_or_else(|| wrong(path, "it appeared and vanished again"))?;
        Ok((ring(other), false))
    }

    /// Adds a new key to the end of a key file, and gives its id. A process that holds the file's ring finds it when it
    /// is needed.
    ///
    /// # Errors
    ///
    /// The file is not there, holds something else, or cannot be written.
    pub fn add_to_file(path: &Path) -> Result<KeyId, KeyError> {
        let wrong = |error: io::Error| wrong(path, error.to_string());
        // Whoever adds a key holds the lock of the file that it replaces, and adds to the file that is there then.
        loop {
            let held = File::open(path).map_err(wrong)?;
            held.lock().map_err(wrong)?;
            let keys = read_from(&held, path)?;
            if read(path)?.as_ref() != Some(&keys) {
                continue;
            }
            let key = Key::draw()?;
            let id = key.id;
            write(path, &[keys, vec![key]].concat(), Place::Taken).map_err(wrong)?;
            return Ok(id);
        }
    }
}

fn wrong(path: &Path, reason: impl Into<String>) -> KeyError {
    KeyError::File { path: path.display().to_string(), reason: reason.into() }
}

/// The keys of a file; `None`: it is not there.
pub(super) fn read(path: &Path) -> Result<Option<Vec<Key>>, KeyError> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(path, error.to_string())),
        Ok(file) => read_from(&file, path).map(Some),
    }
}

fn read_from(file: &File, path: &Path) -> Result<Vec<Key>, KeyError> {
    let mut text = Zeroizing::new(String::new());
    file.take(LONGEST_FILE).read_to_string(&mut text).map_err(|error| wrong(path, error.to_string()))?;
    Key::read_all(&text).map_err(|error| wrong(path, error.to_string()))
}

/// What is written to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// There is no file yet.
    New,
    /// The file that is there is replaced.
    Taken,
}

/// Writes keys beside `path` and moves them into place, so that nobody ever reads a half-written key. `false`: a first
/// file was to be made, and somebody else made it.
fn write(path: &Path, keys: &[Key], place: Place) -> io::Result<bool> {
    let mut suffix = [0; 8];
    random(&mut suffix).map_err(io::Error::other)?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}.new", u64::from_be_bytes(suffix)));
    let new = Path::new(&name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(new)?;
    let mut text = Zeroizing::new(String::with_capacity(keys.len() * LINE));
    for key in keys {
        text.push_str(&key.text());
        text.push('\n');
    }
    let moved = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| match place {
        Place::New => fs::hard_link(new, path),
        Place::Taken => fs::rename(new, path),
    });
    if place == Place::New || moved.is_err() {
        fs::remove_file(new)?;
    }
    match moved {
        Err(error) if place == Place::New && error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        other => other.and_then(|()| keep(path)).map(|()| true),
    }
}

/// A key that something is sealed with must not vanish with the power: the folder's entry has to be on the disk, too.
#[cfg(unix)]
fn keep(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn keep(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Keys;

    fn at_once<T: Send>(work: impl Fn() -> T + Sync) -> Vec<T> {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(&work)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    #[test]
    fn a_key_file_is_made_once_and_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nango.key");
        let made = at_once(|| KeyRing::from_file(&path).unwrap());
        assert_eq!(made.iter().filter(|(_, new)| *new).count(), 1);
        assert!(made.iter().all(|(ring, _)| *ring == made[0].0));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        is_private(&path);
        fs::write(&path, "hush").unwrap();
        let error = KeyRing::from_file(&path).unwrap_err().to_string();
        assert!(error.contains("nango.key") && error.contains("32 bytes") && !error.contains("hush"), "{error}");
    }

    #[test]
    fn keys_are_added_side_by_side_and_found_when_needed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nango.key");
        assert!(KeyRing::add_to_file(&path).is_err());
        let (early, _) = KeyRing::from_file(&path).unwrap();
        let mut added = at_once(|| KeyRing::add_to_file(&path).unwrap());
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
        assert_eq!(early.open(&blob, b"x").as_deref(), Ok(&b"hush".to_vec()));
        assert_eq!(early.ids().len(), 9);
    }

    fn is_private(path: &Path) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
