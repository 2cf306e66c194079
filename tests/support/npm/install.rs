//! Installation of npm projects into the target directory, once per content, by one thread of one process at a time.

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

/// Returns the directory of a project. A failure is not retried in this process, because each test would wait for it.
pub(super) fn install_once(project: &NpmProject, node: &Node) -> Result<PathBuf, String> {
    static SLOTS: Mutex<BTreeMap<&str, InstallSlot>> = Mutex::new(BTreeMap::new());
    let dir = Arc::clone(SLOTS.lock().unwrap_or_else(PoisonError::into_inner).entry(project.name).or_default());
    dir.get_or_init(|| install(project, node)).clone()
}

fn install(project: &NpmProject, node: &Node) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    (project.files, project.prepare).hash(&mut hasher);
    let parent = target_dir().join("nango-tests");
    let dir = parent.join(format!("{}-{:016x}", project.name, hasher.finish()));
    if dir.is_dir() {
        return Ok(dir);
    }
    let failed = |what: &str, error: &dyn Display| format!("{what} in {}: {error}", parent.display());
    fs::create_dir_all(&parent).map_err(|error| failed("no directory", &error))?;
    // Built in a temporary directory and renamed when it is complete, because another test process may do the same.
    let build_dir = tempfile::tempdir_in(&parent).map_err(|error| failed("no directory", &error))?;
    for (name, contents) in project.files {
        fs::write(build_dir.path().join(name), contents).map_err(|error| failed(name, &error))?;
    }
    run(&node.npm, &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], build_dir.path())?;
    if let Some(script) = project.prepare {
        run(&node.node, &[script], build_dir.path())?;
    }
    match fs::rename(build_dir.path(), &dir) {
        Err(error) if !dir.is_dir() => Err(failed("no directory", &error)),
        _ => Ok(dir),
    }
}

fn run(program: &Path, arguments: &[&str], dir: &Path) -> Result<(), String> {
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
