//! Installs the recorded traffic's packages into the target directory, once for a lock file.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::registry::target_dir;
use crate::tools::Node;

/// What the installation consists of, before npm adds the packages that the lock file names.
const FILES: [(&str, &str); 3] = [
    ("package.json", include_str!("package.json")),
    ("package-lock.json", include_str!("package-lock.json")),
    ("serve.mjs", include_str!("serve.mjs")),
];

/// Returns the directory with `serve.mjs` and everything that it imports.
///
/// # Errors
///
/// What npm said: most likely that there is no network and no cache.
pub(super) fn install(node: &Node) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    FILES.hash(&mut hasher);
    let parent = target_dir().join("nango-tests");
    let place = parent.join(format!("octokit-{:016x}", hasher.finish()));
    if place.is_dir() {
        return Ok(place);
    }
    let failed = |what: &str, error: &dyn std::fmt::Display| format!("{what} in {}: {error}", parent.display());
    fs::create_dir_all(&parent).map_err(|error| failed("no directory", &error))?;
    // Built beside its place and renamed when it is whole: another test process may do the same.
    let workshop = tempfile::tempdir_in(&parent).map_err(|error| failed("no directory", &error))?;
    for (name, contents) in FILES {
        fs::write(workshop.path().join(name), contents).map_err(|error| failed(name, &error))?;
    }
    let npm = Command::new(&node.npm)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"])
        .current_dir(workshop.path())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed("npm", &error))?;
    if !npm.status.success() {
        return Err(format!("`npm ci` failed: {}", String::from_utf8_lossy(&npm.stderr).trim()));
    }
    match fs::rename(workshop.path(), &place) {
        Err(error) if !place.is_dir() => Err(failed("no directory", &error)),
        _ => Ok(place),
    }
}
