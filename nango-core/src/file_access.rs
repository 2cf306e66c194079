//! Checks of files that contain secrets or records: type, owner, and access of other users.
//!
//! A file is trusted if it is a regular file that belongs to the user of this process or to root. Symbolic links are
//! resolved: the checks apply to their target. On systems without Unix users and modes, only the type is checked.

mod container;

pub(crate) use container::{LostFolder, lost_folder};

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// Access to a file that users other than the owner have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OthersAccess {
    /// No access: the mode ends with `00`.
    None,
    /// Read or execute access.
    Read,
    /// Write access.
    Write,
}

/// Reason why a file is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UntrustedFile {
    /// The path is not a regular file.
    #[error("it is {0}, not a regular file")]
    Type(&'static str),
    /// The file belongs to another user, who can change it at any time.
    #[error(
        "it belongs to user {owner}, but this process runs as user {user}: run as user {owner}, or change the \
         owner with `chown {user} {path}` if you trust its content"
    )]
    Owner {
        /// Path of the file.
        path: String,
        /// User id of the owner.
        owner: u32,
        /// The effective user id of this process.
        user: u32,
    },
    /// Other users have access to the file.
    #[error("other users may {} it (mode {mode:03o}): run `chmod 600 {path}`", access_verb(*others))]
    Mode {
        /// Path of the file.
        path: String,
        /// The permission bits.
        mode: u32,
        /// The access that they grant to other users.
        others: OthersAccess,
    },
}

fn access_verb(others: OthersAccess) -> &'static str {
    if others == OthersAccess::Write { "change" } else { "read" }
}

impl UntrustedFile {
    /// Creates the error of a file whose mode grants access to other users.
    pub(crate) fn mode(path: &Path, found: &Metadata, others: OthersAccess) -> Self {
        Self::Mode { path: path.display().to_string(), mode: mode(found) & 0o777, others }
    }
}

/// Opens a file for reading, without blocking on a named pipe, which [`check`] refuses.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    options.open(path)
}

/// Options that create a new file with mode 0600; they fail if the path exists, even as a dangling symbolic link.
pub(crate) fn create_private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Checks type and owner of a file, and returns the access of other users. The path is for messages.
pub(crate) fn check(path: &Path, found: &Metadata) -> Result<OthersAccess, UntrustedFile> {
    if !found.is_file() {
        return Err(UntrustedFile::Type(type_name(found)));
    }
    check_owner(path, found)?;
    Ok(match mode(found) {
        mode if mode & 0o022 != 0 => OthersAccess::Write,
        mode if mode & 0o077 != 0 => OthersAccess::Read,
        _ => OthersAccess::None,
    })
}

/// Returns the files of a database that other users may read, with their modes, for a warning.
pub(crate) fn readable_by_others(database: &Path) -> Vec<(PathBuf, u32)> {
    let files = database_files(database).into_iter();
    let found = files.filter_map(|file| fs::metadata(&file).ok().map(|found| (file, found)));
    found
        .filter(|(file, found)| check(file, found).is_ok_and(|others| others == OthersAccess::Read))
        .map(|(file, found)| (file, mode(&found) & 0o777))
        .collect()
}

/// Returns the files of an embedded database: the database, its write-ahead log and the log's index.
pub(crate) fn database_files(database: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    })
}

#[cfg(unix)]
fn check_owner(path: &Path, found: &Metadata) -> Result<(), UntrustedFile> {
    let (owner, user) = (std::os::unix::fs::MetadataExt::uid(found), rustix::process::geteuid().as_raw());
    if owner == user || owner == 0 {
        return Ok(());
    }
    Err(UntrustedFile::Owner { path: path.display().to_string(), owner, user })
}

#[cfg(not(unix))]
fn check_owner(_: &Path, _: &Metadata) -> Result<(), UntrustedFile> {
    Ok(())
}

#[cfg(unix)]
fn mode(found: &Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(found)
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> u32 {
    0o600
}

#[cfg(unix)]
fn type_name(found: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match found.file_type() {
        file_type if file_type.is_dir() => "a directory",
        file_type if file_type.is_fifo() => "a named pipe",
        file_type if file_type.is_socket() => "a socket",
        file_type if file_type.is_char_device() || file_type.is_block_device() => "a device",
        _ => "another type of file",
    }
}

#[cfg(not(unix))]
fn type_name(found: &Metadata) -> &'static str {
    if found.is_dir() { "a directory" } else { "another type of file" }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    fn found(path: &Path) -> Result<OthersAccess, UntrustedFile> {
        check(path, &fs::metadata(path).unwrap())
    }

    #[test]
    fn mode_bits_of_group_and_others_are_reported() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        create_private().open(&path).unwrap();
        assert_eq!(found(&path), Ok(OthersAccess::None));
        for (mode, expect) in [
            (0o400, OthersAccess::None),
            (0o700, OthersAccess::None),
            (0o640, OthersAccess::Read),
            (0o604, OthersAccess::Read),
            (0o611, OthersAccess::Read),
            (0o620, OthersAccess::Write),
            (0o602, OthersAccess::Write),
            (0o666, OthersAccess::Write),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(found(&path), Ok(expect), "{mode:o}");
        }
        let metadata = fs::metadata(&path).unwrap();
        let text = UntrustedFile::mode(Path::new("nango.db"), &metadata, OthersAccess::Write).to_string();
        assert_eq!(text, "other users may change it (mode 666): run `chmod 600 nango.db`");
    }

    #[test]
    fn other_types_of_file_are_refused_without_blocking() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(found(dir.path()), Err(UntrustedFile::Type("a directory")));
        assert_eq!(found(Path::new("/dev/null")), Err(UntrustedFile::Type("a device")));
        let pipe = dir.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let opened = open(&pipe).unwrap();
        assert_eq!(check(&pipe, &opened.metadata().unwrap()), Err(UntrustedFile::Type("a named pipe")));
    }

    #[test]
    fn file_of_another_user_is_refused_and_file_of_root_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        create_private().open(&path).unwrap();
        let user = rustix::process::geteuid().as_raw();
        if user == 0 {
            chown(&path, Some(65_534), None).unwrap();
            let error = found(&path).unwrap_err().to_string();
            let expect = format!(
                "it belongs to user 65534, but this process runs as user 0: run as user 65534, or change the owner \
                 with `chown 0 {}` if you trust its content",
                path.display()
            );
            assert_eq!(error, expect);
        }
        assert!(found(Path::new("/proc/version")).is_ok(), "a file of root");
    }
}
