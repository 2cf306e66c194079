//! Puts a kit into the target directory: by one thread of one process, whoever else wants it meanwhile.

use std::{
    collections::{BTreeMap, hash_map::DefaultHasher},
    fmt::Display,
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use super::NpmProject;
use crate::{registry::target_dir, tools::Node};

type InstallSlot = Arc<OnceLock<Result<PathBuf, String>>>;

/// The directory of a kit. What went wrong once in this process is not tried again: each test would wait for it.
pub(super) fn install_once(kit: &NpmProject, node: &Node) -> Result<PathBuf, String> {
    static SLOTS: Mutex<BTreeMap<&str, InstallSlot>> = Mutex::new(BTreeMap::new());
    let dir = Arc::clone(SLOTS.lock().unwrap_or_else(PoisonError::into_inner).entry(kit.name).or_default());
    dir.get_or_init(|| install(kit, node)).clone()
}

fn install(kit: &NpmProject, node: &Node) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    (kit.files, kit.prepare).hash(&mut hasher);
    let parent = target_dir().join("nango-tests");
    let dir = parent.join(format!("{}-{:016x}", kit.name, hasher.finish()));
    if dir.is_dir() {
        return Ok(dir);
    }
    let failed = |what: &str, error: &dyn Display| format!("{what} in {}: {error}", parent.display());
    fs::create_dir_all(&parent).map_err(|error| failed("no directory", &error))?;
    // Built beside its place and renamed when it is whole: another test process may do the same.
    let build_dir = tempfile::tempdir_in(&parent).map_err(|error| failed("no directory", &error))?;
    for (name, contents) in kit.files {
        fs::write(build_dir.path().join(name), contents).map_err(|error| failed(name, &error))?;
    }
    run(&node.npm, &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], build_dir.path())?;
    if let Some(script) = kit.prepare {
        run(&node.node, &[script], build_dir.path())?;
    }
    match fs::rename(build_dir.path(), &dir) {
        Err(error) if !dir.is_dir() => Err(failed("no directory", &error)),
        _ => Ok(dir),
    }
}

fn run(program: &Path, arguments: &[&str], dir: &Path) -> Result<(), String> {
    let called = || format!("`{} {}`", program.file_name().unwrap_or_default().display(), arguments[0]);
    let output = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{} does not run: {error}", called()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{} failed: {}", called(), String::from_utf8_lossy(&output.stderr).trim()))
}
