//! npm packages, downloaded when a test needs them, and Node programs that use them.
//!
//! A project is a list of packages with its lock file (versions and hashes) and the scripts of this workspace that use
//! them. It is installed once per content into the target directory; the repository contains nothing from npm.
//!
//! Invariants: a script ends when its stdin is closed, so that none outlives the test process, however that process
//! ends; and its first line on stdout is the URL at which it listens.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::{
    install::{self, Content},
    tools::Node,
};

/// npm packages with their scripts.
#[derive(Debug)]
pub struct NpmProject {
    /// Name in messages and of the directory.
    pub name: &'static str,
    /// Oldest major version of Node that the packages support.
    pub min_node_version: u32,
    /// Files by name: `package.json`, `package-lock.json` and the scripts.
    pub files: &'static [(&'static str, &'static str)],
    /// Script that runs once after the installation and writes files for the other scripts.
    pub prepare: Option<&'static str>,
}

/// A running script. It ends when this value is dropped or this process ends.
#[derive(Debug)]
pub struct NodeProcess {
    /// Base URL, without a trailing slash.
    pub url: String,
    process: Child,
}

impl NpmProject {
    /// Returns the directory with the project's files and `node_modules`, and installs it if needed.
    ///
    /// # Errors
    ///
    /// Returns the reason for a [`skip`](crate::tools::skip): Node is missing or too old, or npm's error message, most
    /// likely because there is no network and no cache.
    pub fn install(&self) -> Result<PathBuf, String> {
        let node = Node::find(self.min_node_version)?;
        let content = Content { files: self.files, prepare: self.prepare };
        install::install_once(self.name, content, |dir| {
            let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
            install::run(&node.npm, &arguments, dir)?;
            self.prepare.map_or(Ok(()), |script| install::run(&node.node, &[script], dir))
        })
    }

    /// Starts one of the scripts and waits until it listens.
    ///
    /// # Errors
    ///
    /// Fails as [`install`](Self::install) does.
    ///
    /// # Panics
    ///
    /// Panics if the project is installed and the script does not start.
    pub fn start(&self, script: &str, arguments: &[&str]) -> Result<NodeProcess, String> {
        let node = Node::find(self.min_node_version)?.node;
        let mut process = Command::new(&node)
            .arg(script)
            .args(arguments)
            .current_dir(self.install()?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", node.display()));
        let mut url_line = String::new();
        let stdout = process.stdout.take().expect("a piped stdout");
        BufReader::new(stdout).read_line(&mut url_line).expect("text on stdout");
        let url = url_line.trim().to_owned();
        let listens = url.starts_with("http://127.0.0.1:");
        assert!(listens, "`{script}` of {} did not start, see its message above: {url}", self.name);
        Ok(NodeProcess { url, process })
    }
}

impl NodeProcess {
    /// Process id of Node.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // Both calls fail only if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
