//! The program `schemathesis` from `PyPI`, which sends requests to an API that its OpenAPI document allows and forbids,
//! and checks the responses.

use std::{path::PathBuf, process::Command};

use crate::{
    install::{self, Content},
    tools,
};

/// Packages with their hashes.
const CONTENT: Content =
    Content { files: &[("requirements.txt", include_str!("schemathesis/requirements.txt"))], prepare: None };
/// Oldest version of Python that the packages support.
const MIN_PYTHON: (u32, u32) = (3, 11);
/// Directory of the packages in the installation.
const PACKAGES: &str = "packages";

/// Returns the command that runs the program, without arguments. Returns `None` if the tools are missing: see
/// [`tools::skip`].
pub fn command() -> Option<Command> {
    match install() {
        Ok((python, packages)) => {
            let mut command = Command::new(python);
            command.args(["-m", "schemathesis.cli"]).env("PYTHONPATH", packages).env("PYTHONDONTWRITEBYTECODE", "1");
            Some(command)
        }
        Err(reason) => tools::skip("schemathesis", reason),
    }
}

fn install() -> Result<(PathBuf, PathBuf), String> {
    let python = find_python()?;
    let dir = install::install_once("schemathesis", CONTENT, |dir| {
        let only_locked = ["-m", "pip", "install", "--no-deps", "--require-hashes", "--only-binary", ":all:"];
        let quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--root-user-action", "ignore"];
        let target = ["--target", PACKAGES, "--requirement", "requirements.txt"];
        install::run(&python, &[&only_locked[..], &quiet, &target].concat(), dir)
    })?;
    Ok((python, dir.join(PACKAGES)))
}

/// Finds a Python that is new enough.
fn find_python() -> Result<PathBuf, String> {
    let python = tools::find("python3").ok_or("it needs Python, with pip")?;
    let script = "import sys; print(sys.version_info[0], sys.version_info[1])";
    let version = Command::new(&python).args(["-c", script]).output();
    let version = version.map_err(|error| format!("{} does not run: {error}", python.display()))?;
    let text = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let parsed = text.split_once(' ').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    if parsed.is_none_or(|version: (u32, u32)| version < MIN_PYTHON) {
        return Err(format!("it needs Python {}.{} or newer, this is `{text}`", MIN_PYTHON.0, MIN_PYTHON.1));
    }
    Ok(python)
}
