//! The public items of `nango-core`, compared with a checked-in list.
//!
//! The list is made from the JSON output of rustdoc, which needs `RUSTC_BOOTSTRAP=1` on a stable toolchain: a wrapper
//! sets it for rustdoc alone, so that nothing else is rebuilt. Items behind `#[doc(hidden)]` are not part of the list.
//! After an intended change, `NANGO_UPDATE_GOLDEN=1 cargo test -p nango-tests --test suite public_items` rewrites it.

mod listing;

use std::{
    env, fs,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use listing::Listing;
use nango_tests::{golden, registry::target_dir, tools};
use serde_json::Value;

/// Types of other crates in public signatures, and the reason why each may be there. A new major version of such a
/// crate is a new major version of this one.
const FOREIGN: [(&str, &str); 13] = [
    ("bytes::bytes::Bytes", "bodies are passed on without a copy"),
    ("clap_builder::builder::command::Command", "an added command declares its arguments"),
    ("clap_builder::parser::matches::arg_matches::ArgMatches", "an added command reads its arguments"),
    ("futures_core::stream::Stream", "pages, records and bodies are streams"),
    ("http::header::map::HeaderMap", "the headers of responses"),
    ("http::method::Method", "the method of a request"),
    ("schemars::JsonSchema", "data has a schema for clients"),
    ("serde_core::de::DeserializeOwned", "data is read from JSON"),
    ("serde_core::ser::Serialize", "data is written as JSON"),
    ("serde_json::map::Map", "metadata and configuration without a declared type"),
    ("serde_json::value::Value", "JSON without a declared type"),
    ("url::Url", "the URL of a sent request"),
    ("uuid::Uuid", "the id of a run"),
];

/// Returns the public items, or prints why they cannot be listed.
fn listing() -> Option<&'static Listing> {
    static LISTING: OnceLock<Option<Listing>> = OnceLock::new();
    let read = || match document() {
        Ok(document) => Some(Listing::new(&document)),
        Err(reason) => tools::skip("the list of public items", reason),
    };
    LISTING.get_or_init(read).as_ref()
}

/// Runs rustdoc and returns its JSON.
fn document() -> Result<Value, String> {
    let wrapper = wrapper().map_err(|error| format!("the wrapper of rustdoc cannot be written: {error}"))?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["rustdoc", "--quiet", "--offline", "--package", "nango-core", "--lib", "--target-dir"])
        .arg(target_dir());
    cargo.args(["--", "-Zunstable-options", "--output-format=json", "--cap-lints=allow"]);
    // Variables that describe the package of this test would make build scripts run again.
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
        if name != "CARGO_HOME" && name != "CARGO_INCREMENTAL" {
            cargo.env_remove(name);
        }
    }
    let done = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).env("RUSTDOC", wrapper).stdin(Stdio::null()).output();
    let done = done.map_err(|error| format!("cargo does not run: {error}"))?;
    if !done.status.success() {
        let text = String::from_utf8_lossy(&done.stderr);
        return Err(text.lines().find(|line| line.starts_with("error")).unwrap_or("rustdoc failed").to_owned());
    }
    let file = target_dir().join("doc/nango_core.json");
    let text = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Writes the program that runs rustdoc with unstable options, and returns its path.
fn wrapper() -> io::Result<PathBuf> {
    let folder = target_dir().join("nango-tests");
    let path = folder.join("rustdoc-json.sh");
    let text = "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n";
    if !fs::read_to_string(&path).is_ok_and(|old| old == text) {
        fs::create_dir_all(&folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o755))?;
        file.into_temp_path().persist(&path)?;
    }
    Ok(path)
}

#[test]
fn public_items_are_those_of_the_list() {
    if let Some(listing) = listing() {
        golden::check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/public-items.txt"), &listing.lines);
    }
}

#[test]
fn foreign_types_in_public_signatures_have_a_reason() {
    let Some(listing) = listing() else { return };
    let unlisted: Vec<_> = listing
        .foreign
        .iter()
        .filter(|(name, _)| FOREIGN.iter().all(|(known, _)| known != name))
        .map(|(name, item)| format!("{name} in {item}"))
        .collect();
    assert!(
        unlisted.is_empty(),
        "types of other crates in public signatures, without a reason:\n{}",
        unlisted.join("\n")
    );
    let unused: Vec<_> = FOREIGN.iter().filter(|(name, _)| !listing.foreign.contains_key(*name)).collect();
    assert!(unused.is_empty(), "no public signature has {unused:?} any more");
}
