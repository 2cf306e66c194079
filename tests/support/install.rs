//! Installation of packages that tests use into the target directory, once per content, by one thread of one process at
//! a time.

use std::{
    collections::{BTreeMap, hash_map::DefaultHasher},
    fmt::Display,
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use crate::registry::target_dir;

type InstallSlot = Arc<OnceLock<Result<PathBuf, String>>>;

/// Files of an installation by name, and the name of a step that it has besides.
#[derive(Debug, Clone, Copy, Hash)]
pub(crate) struct Content {
    /// Files by name.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// Script that completes the directory.
    pub(crate) prepare: Option<&'static str>,
}

/// Returns the directory of an installation: `complete` adds to a new one what its files require. A failure is not
/// retried in this process, because each test would wait for it.
pub(crate) fn install_once(
    name: &'static str,
    content: Content,
    complete: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    static SLOTS: Mutex<BTreeMap<&str, InstallSlot>> = Mutex::new(BTreeMap::new());
    let dir = Arc::clone(SLOTS.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default());
    dir.get_or_init(|| install(name, content, complete)).clone()
}

fn install(
    name: &str,
    content: Content,
    complete: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    let parent = target_dir().join("nango-tests");
    let dir = parent.join(format!("{name}-{:016x}", hasher.finish()));
    if dir.is_dir() {
        return Ok(dir);
    }
    let failed = |what: &str, error: &dyn Display| format!("{what} in {}: {error}", parent.display());
    fs::create_dir_all(&parent).map_err(|error| failed("no directory", &error))?;
    // Built in a temporary directory and renamed when it is complete, because another test process may do the same.
    let build_dir = tempfile::tempdir_in(&parent).map_err(|error| failed("no directory", &error))?;
    for (name, contents) in content.files {
        fs::write(build_dir.path().join(name), contents).map_err(|error| failed(name, &error))?;
    }
    complete(build_dir.path())?;
    match fs::rename(build_dir.path(), &dir) {
        Err(error) if !dir.is_dir() => Err(failed("no directory", &error)),
        _ => Ok(dir),
    }
}

/// Runs a program of an installation in a directory.
///
/// # Errors
///
/// Fails with the message of the program.
pub(crate) fn run(program: &Path, arguments: &[&str], dir: &Path) -> Result<(), String> {
    let command_name = || format!("`{} {}`", program.file_name().unwrap_or_default().display(), arguments[0]);
    let output = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{} does not run: {error}", command_name()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{} failed: {}", command_name(), String::from_utf8_lossy(&output.stderr).trim()))
}
