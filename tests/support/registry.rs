//! The `registry` binary, run in a temporary directory.
//!
//! ```no_run
//! use nango_tests::Registry;
//!
//! let registry = Registry::new();
//! registry.config("[integrations.github]\nbase_url = \"http://127.0.0.1:8080\"\n");
//! let functions = registry.json(["list", "--json"]);
//! let refused = registry.run(["run", "github", "isues-demo"]).expect(2);
//! assert!(refused.stderr.contains("did you mean"));
//! ```

mod binary;
mod process;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;
use tempfile::TempDir;

use crate::TestDatabase;

pub use binary::{proof_binary, registry_binary, target_dir};
pub use process::{Output, Running};

/// Variables that would send requests for 127.0.0.1 to a proxy.
const PROXIES: [&str; 3] = ["http_proxy", "https_proxy", "all_proxy"];

/// A directory in which `registry` runs, with its configuration, its database and the files of a test.
///
/// The binary does not inherit the caller's `NANGO_*` variables and proxies, so that a test does not depend on the
/// machine.
#[derive(Debug)]
pub struct Registry {
    binary: &'static Path,
    home: TempDir,
    variables: BTreeMap<OsString, OsString>,
}

impl Registry {
    /// Creates an empty directory. Builds the binary if this process has not done so yet.
    #[expect(clippy::new_without_default, reason = "it writes to the disk and may run cargo")]
    pub fn new() -> Self {
        Self::with_binary(registry_binary())
    }

    /// Creates an empty directory for the binary with functions for tests (`tests/proof`). Its integration `proof` uses
    /// a server of the test, and leases last 0.3 seconds, so that tests do not wait long for the lease of a killed run.
    pub fn proof(upstream: &str) -> Self {
        let registry = Self::with_binary(proof_binary());
        let proof = format!("[integrations.proof]\nprovider = \"github\"\nbase_url = \"{upstream}\"\n");
        registry.config(&format!("lease_seconds = 0.3\n{proof}"));
        registry
    }

    fn with_binary(binary: &'static Path) -> Self {
        let home = tempfile::Builder::new().prefix("registry-").tempdir().expect("a temporary directory");
        Self { binary, home, variables: BTreeMap::new() }
    }

    /// Path of the temporary directory.
    pub fn dir(&self) -> &Path {
        self.home.path()
    }

    /// Default path of the database, without arguments and variables.
    pub fn database(&self) -> PathBuf {
        self.dir().join("nango.db")
    }

    /// Writes `nango.toml`, replacing an existing one.
    pub fn config(&self, toml: &str) -> &Self {
        self.write("nango.toml", toml);
        self
    }

    /// Writes a `nango.toml` that sets the base URL of one integration to a server of the test.
    pub fn base_url(&self, integration: &str, url: &str) -> &Self {
        self.config(&format!("[integrations.{integration}]\nbase_url = \"{url}\"\n"))
    }

    /// Writes a file into the directory and returns its path.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir().join(name);
        fs::write(&path, contents).expect("a file in the temporary directory");
        path
    }

    /// Sets an environment variable for later runs.
    pub fn env(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> &mut Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Sets the database of later runs. A file is in the directory of this registry.
    pub fn use_database(&mut self, database: &TestDatabase) -> &mut Self {
        self.env("NANGO_DATABASE_URL", database.url(self.dir()))
    }

    /// Adds a connection with a bearer token that no test looks at.
    #[track_caller]
    pub fn connect(&self, integration: &str, id: &str) {
        let add = ["connection", "add", integration, id, "--auth", "bearer", "--credentials", "\"t\""];
        self.run(add).expect(0);
    }

    /// Runs the binary with an empty stdin until it ends.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Output {
        self.start(args).finish()
    }

    /// Runs the binary with this text on stdin until it ends.
    pub fn run_with_input<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>, input: &str) -> Output {
        Running::start(self.command(args), Some(input.to_owned())).finish()
    }

    /// Runs the binary, expects success, and parses stdout as one JSON document.
    #[track_caller]
    pub fn json<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Value {
        self.run(args).expect(0).json()
    }

    /// Starts the binary and returns at once.
    pub fn start<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Running {
        Running::start(self.command(args), None)
    }

    /// Starts the binary with these variables in addition to those of [`Self::env`].
    pub fn start_with_env<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        variables: &[(&str, &OsStr)],
    ) -> Running {
        let mut command = self.command(args);
        command.envs(variables.iter().copied());
        Running::start(command, None)
    }

    /// Starts the binary through a program with arguments that executes it, such as `nohup`.
    pub fn start_under<A: AsRef<OsStr>>(&self, program: &[&str], args: impl IntoIterator<Item = A>) -> Running {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg(self.binary).args(args);
        Running::start(self.with_environment(command), None)
    }

    fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(self.binary);
        command.args(args);
        self.with_environment(command)
    }

    /// Prepares a command with the directory and its variables, and without those of this process.
    fn with_environment(&self, mut command: Command) -> Command {
        command.current_dir(self.dir());
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("NANGO_") || PROXIES.contains(&text.to_lowercase().as_str()) {
                command.env_remove(&name);
            }
        }
        // In a container, the temporary directory may be on its own layer, where `serve` creates no key file.
        command.env("NANGO_ALLOW_LOST_KEY_FILE", "true");
        command.envs(&self.variables);
        command
    }
}
