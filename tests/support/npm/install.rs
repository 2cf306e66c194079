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

use super::Kit;
use crate::{registry::target_dir, tools::Node};

type Place = Arc<OnceLock<Result<PathBuf, String>>>;

/// The directory of a kit. What went wrong once in this process is not tried again: each test would wait for it.
pub(super) fn once(kit: &Kit, node: &Node) -> Result<PathBuf, String> {
    static PLACES: Mutex<BTreeMap<&str, Place>> = Mutex::new(BTreeMap::new());
    let place = Arc::clone(PLACES.lock().unwrap_or_else(PoisonError::into_inner).entry(kit.name).or_default());
    place.get_or_init(|| install(kit, node)).clone()
}

fn install(kit: &Kit, node: &Node) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    (kit.files, kit.prepare).hash(&mut hasher);
    let parent = target_dir().join("nango-tests");
    let place = parent.join(format!("{}-{:016x}", kit.name, hasher.finish()));
    if place.is_dir() {
        return Ok(place);
    }
    let failed = |what: &str, error: &dyn Display| format!("{what} in {}: {error}", parent.display());
    fs::create_dir_all(&parent).map_err(|error| failed("no directory", &error))?;
    // Built beside its place and renamed when it is whole: another test process may do the same.
    let workshop = tempfile::tempdir_in(&parent).map_err(|error| failed("no directory", &error))?;
    for (name, contents) in kit.files {
        fs::write(workshop.path().join(name), contents).map_err(|error| failed(name, &error))?;
    }
    run(&node.npm, &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], workshop.path())?;
    if let Some(script) = kit.prepare {
        run(&node.node, &[script], workshop.path())?;
    }
    match fs::rename(workshop.path(), &place) {
        Err(error) if !place.is_dir() => Err(failed("no directory", &error)),
        _ => Ok(place),
    }
}

fn run(program: &Path, arguments: &[&str], place: &Path) -> Result<(), String> {
    let called = || format!("`{} {}`", program.file_name().unwrap_or_default().display(), arguments[0]);
    let output = Command::new(program)
        .args(arguments)
        .current_dir(place)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{} does not run: {error}", called()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{} failed: {}", called(), String::from_utf8_lossy(&output.stderr).trim()))
}
