//! External programs that tests need and that this workspace does not build.
//!
//! On a machine without them the suite still runs: the test prints why it was skipped, and passes. In CI a skip would
//! hide a test, so it is a failure there.

use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Returns whether a missing tool is a failure: `CI=true`, or `NANGO_TEST_REQUIRE=1`.
pub fn required() -> bool {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|set| set == value);
    is("CI", "true") || is("NANGO_TEST_REQUIRE", "1")
}

/// Prints that something is skipped, and why. Always returns `None`, so that a caller can return it.
///
/// # Panics
///
/// Panics if skipping is a failure: see [`required`].
pub fn skip<T>(what: &str, reason: impl Display) -> Option<T> {
    assert!(!required(), "{what} must run here (CI=true or NANGO_TEST_REQUIRE=1): {reason}");
    // Written to stderr directly, because the test harness hides the output of passing tests.
    let _ = writeln!(io::stderr(), "skipped: {what}: {reason}");
    None
}

/// Finds a program on the `PATH`.
pub fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// Paths of Node and npm, with a Node that is new enough.
#[derive(Debug, Clone)]
pub struct Node {
    /// Path of the `node` program.
    pub node: PathBuf,
    /// Path of the `npm` program.
    pub npm: PathBuf,
}

impl Node {
    /// Finds both programs, with Node of at least this major version.
    ///
    /// # Errors
    ///
    /// Returns what is missing, as the reason for a [`skip`].
    pub fn find(oldest: u32) -> Result<Self, String> {
        let (Some(node), Some(npm)) = (find("node"), find("npm")) else {
            return Err("it needs `node` and `npm`, and they are not on the PATH".to_owned());
        };
        let version = Command::new(&node).arg("--version").stdin(Stdio::null()).output();
        let version = version.map_err(|error| format!("{} does not run: {error}", node.display()))?;
        let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_none_or(|major| major < oldest) {
            return Err(format!("it needs Node {oldest} or newer, this is `{version}`"));
        }
        Ok(Self { node, npm })
    }
}
