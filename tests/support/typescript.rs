//! The compiler of TypeScript from npm, for declarations that are generated from schemas.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    npm::NpmProject,
    tools::{self, Node},
};

const PROJECT: NpmProject = NpmProject {
    name: "typescript",
    min_node_version: 18,
    files: &[
        ("package.json", include_str!("typescript/package.json")),
        ("package-lock.json", include_str!("typescript/package-lock.json")),
    ],
    prepare: None,
};

/// Checks files with `tsc --strict` and returns its messages, which are empty if there is no error. `None` if the tools
/// are missing: see [`tools::skip`].
///
/// # Panics
///
/// Panics if the compiler is installed and does not run.
pub fn check(dir: &Path, files: &[&str]) -> Option<String> {
    let compiler = match PROJECT.install() {
        Ok(installed) => installed.join("node_modules/typescript/bin/tsc"),
        Err(reason) => return tools::skip("the check of TypeScript declarations", reason),
    };
    let node = Node::find(PROJECT.min_node_version).ok()?.node;
    let options = ["--strict", "--noEmit", "--exactOptionalPropertyTypes", "--isolatedModules", "--pretty", "false"];
    let output = Command::new(node)
        .arg(compiler)
        .args(options)
        .args(["--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler"])
        .args(files)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect("node runs");
    Some(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}
