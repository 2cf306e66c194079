//! A small C library between a program and the disk (`shim.c`), compiled on demand.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    process::Command,
};

use nango_tests::tools;
use tempfile::TempDir;

const SOURCE: &str = include_str!("shim.c");

/// The compiled library; removed when this value is dropped.
pub(super) struct Preload {
    _dir: TempDir,
    library: PathBuf,
}

impl Preload {
    /// Compiles the library. Returns `None` if that is not possible on this machine: see [`tools::skip`].
    pub(super) fn compile(what: &str) -> Option<Self> {
        if !cfg!(target_os = "linux") {
            return tools::skip(what, "it intercepts disk access with LD_PRELOAD, which needs Linux");
        }
        let Some(cc) = tools::find("cc") else {
            return tools::skip(what, "it needs `cc`, which is not on the PATH");
        };
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (source, library) = (dir.path().join("shim.c"), dir.path().join("shim.so"));
        std::fs::write(&source, SOURCE).expect("a file");
        let mut command = Command::new(cc);
        command.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&library).arg(&source).arg("-ldl");
        let compiled = command.output().expect("a compiler that runs");
        assert!(compiled.status.success(), "shim.c: {}", String::from_utf8_lossy(&compiled.stderr));
        Some(Self { _dir: dir, library })
    }

    /// Returns the environment variables for a process that loads the library with these settings.
    pub(super) fn environment(&self, settings: &[(&'static str, u64)]) -> Vec<(&'static str, OsString)> {
        let preload = ("LD_PRELOAD", self.library.clone().into_os_string());
        let settings = settings.iter().map(|(name, value)| (*name, OsString::from(value.to_string())));
        settings.chain([preload]).collect()
    }
}

/// Converts variables to the form that a command accepts.
pub(super) fn borrowed_environment<'a>(variables: &'a [(&'static str, OsString)]) -> Vec<(&'static str, &'a OsStr)> {
    variables.iter().map(|(name, value)| (*name, value.as_os_str())).collect()
}
