//! Build of the `registry` binary, once per test process.
//!
//! `cargo test` builds a package's own binaries only, and this package has none. The binary is built by cargo, which
//! prints its path: it is up to date, and has the profile and target of the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::{env, fs};

use serde_json::Value;

/// Returns the binary that `NANGO_TEST_REGISTRY` names, or else builds the workspace's own.
///
/// # Panics
///
/// Panics if it does not build (with the compiler's messages), or if the named file does not exist.
pub fn registry_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        named_by("NANGO_TEST_REGISTRY")
            .unwrap_or_else(|| build("registry", &["--package", "integrations", "--bin", "registry"]))
    })
}

/// Returns the `registry` with functions for tests: the one that `NANGO_TEST_PROOF_REGISTRY` names, or else a new
/// build.
///
/// # Panics
///
/// Panics if it does not build (with the compiler's messages), or if the named file does not exist.
pub fn proof_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        named_by("NANGO_TEST_PROOF_REGISTRY")
            .unwrap_or_else(|| build("proof-registry", &["--package", "nango-tests", "--example", "proof-registry"]))
    })
}

/// Returns the binary that a variable names.
fn named_by(variable: &str) -> Option<PathBuf> {
    let path = env::var_os(variable)?;
    let found = fs::canonicalize(&path);
    Some(found.unwrap_or_else(|error| panic!("{variable} names {}: {error}", Path::new(&path).display())))
}

/// Returns the target directory that this test was built into.
pub fn target_dir() -> &'static Path {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    TARGET.get_or_init(|| BuildLayout::of_current_exe().target)
}

/// Path components of this test's executable.
struct BuildLayout {
    target: PathBuf,
    /// Target triple, if cargo was called with `--target`.
    triple: Option<String>,
    profile: String,
}

impl BuildLayout {
    fn of_current_exe() -> Self {
        let test = env::current_exe().expect("the path of this test");
        // <target>/[<triple>/]<profile>/deps/<test>, and cargo marks <target> as a cache directory.
        let profile_dir = test.ancestors().nth(2).expect("a profile's directory");
        let parent = profile_dir.parent().expect("a target directory");
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let profile = name(profile_dir);
        match parent.parent() {
            Some(target) if !is_target(parent) && is_target(target) => {
                Self { target: target.to_owned(), triple: Some(name(parent)), profile }
            }
            _ => Self { target: parent.to_owned(), triple: None, profile },
        }
    }
}

fn is_target(path: &Path) -> bool {
    path.join("CACHEDIR.TAG").is_file()
}

fn build(name: &str, target_args: &[&str]) -> PathBuf {
    let BuildLayout { target, triple, profile } = BuildLayout::of_current_exe();
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--message-format=json-render-diagnostics"])
        .args(target_args)
        .args(["--profile", if profile == "debug" { "dev" } else { &profile }])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null());
    if let Some(triple) = triple {
        cargo.args(["--target", &triple]);
    }
    // Cargo sets variables that describe this package for its tests. If they were inherited, build scripts that read
    // them would seem to be out of date, and their packages would be rebuilt each time.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        let describes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        if describes.iter().any(|prefix| name.starts_with(prefix)) || name == "CARGO_TARGET_TMPDIR" {
            cargo.env_remove(name.as_ref());
        }
    }
    let built = cargo.output().unwrap_or_else(|error| panic!("cargo does not run: {error}"));
    let messages = String::from_utf8_lossy(&built.stdout);
    assert!(built.status.success(), "`{name}` does not build:\n{}", String::from_utf8_lossy(&built.stderr));
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the binary that it built")
}
