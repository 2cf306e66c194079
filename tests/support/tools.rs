//! Programs that a test needs and this workspace does not build.
//!
//! A person without them can still run the suite: the test says why it was skipped and passes. On CI a skip would
//! hide a test, so there it is a failure.

use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Whether a missing tool is a failure: `CI=true`, or `NANGO_TEST_REQUIRE=1`.
pub fn required() -> bool {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|set| set == value);
    is("CI", "true") || is("NANGO_TEST_REQUIRE", "1")
}

/// Says that something is skipped, and why. Always `None`, so that a caller can hand it on.
///
/// # Panics
///
/// Skipping is a failure here: see [`required`].
pub fn skip<T>(what: &str, why: impl Display) -> Option<T> {
    assert!(!required(), "{what} must run here (CI=true or NANGO_TEST_REQUIRE=1): {why}");
    // Written past the test harness, which would keep the line of a test that passes to itself.
    let _ = writeln!(io::stderr(), "skipped: {what}: {why}");
    None
}

/// Finds a program on the `PATH`.
pub fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// Node and npm, and that Node is new enough.
#[derive(Debug, Clone)]
pub struct Node {
    /// The `node` program.
    pub node: PathBuf,
    /// The `npm` program.
    pub npm: PathBuf,
}

impl Node {
    /// Finds both, with Node of this major version or a newer one.
    ///
    /// # Errors
    ///
    /// Says what is missing: the reason for a [`skip`].
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
