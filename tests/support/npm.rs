//! Packages of npm, fetched when a test wants them, and programs for Node that are made of them.
//!
//! A kit is the list of packages with its lock file (versions and hashes), and the scripts of this workspace that use
//! them. It is installed once for its contents, into the target directory; nothing of npm comes into the repository.
//!
//! Must stay true: a script ends when its stdin does, so that none outlives the test process, however that one ends; and
//! its first line on stdout says where it listens.

mod install;

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::tools::Node;

/// Packages, and what is made of them.
#[derive(Debug)]
pub struct NpmProject {
    /// The name, for messages and for the directory.
    pub name: &'static str,
    /// The oldest major version of Node that the packages run on.
    pub min_node_version: u32,
    /// The files by name: `package.json`, `package-lock.json` and the scripts.
    pub files: &'static [(&'static str, &'static str)],
    /// A script that is run once after the installation, to prepare what the others read.
    pub prepare: Option<&'static str>,
}

/// A script that runs until this value goes, or this process.
#[derive(Debug)]
pub struct NodeProcess {
    /// Where it listens, without a trailing slash.
    pub url: String,
    process: Child,
}

impl NpmProject {
    /// The directory with the files of the kit and `node_modules`, installed if need be.
    ///
    /// # Errors
    ///
    /// The reason for a [`skip`](crate::tools::skip): Node is missing or too old, or what npm said, most likely that there
    /// is no network and no cache.
    pub fn install(&self) -> Result<PathBuf, String> {
        install::install_once(self, &Node::find(self.min_node_version)?)
    }

    /// Starts one of its scripts and waits until it listens.
    ///
    /// # Errors
    ///
    /// As for [`install`](Self::install).
    ///
    /// # Panics
    ///
    /// It is installed, and does not start.
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
        let mut line = String::new();
        let stdout = process.stdout.take().expect("a piped stdout");
        BufReader::new(stdout).read_line(&mut line).expect("text on stdout");
        let url = line.trim().to_owned();
        let listens = url.starts_with("http://127.0.0.1:");
        assert!(listens, "`{script}` of {} did not start, see its message above: {url}", self.name);
        Ok(NodeProcess { url, process })
    }
}

impl NodeProcess {
    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
