//! Nango's provider catalogue from npm's `@nangohq/providers`, with about a thousand APIs.
//!
//! Its licence does not permit redistribution, so it is downloaded when a test needs it, and read in place.

use std::path::PathBuf;

use crate::{npm::NpmProject, tools};

const PROJECT: NpmProject = NpmProject {
    name: "catalogue",
    min_node_version: 18,
    files: &[
        ("package.json", include_str!("catalogue/package.json")),
        ("package-lock.json", include_str!("catalogue/package-lock.json")),
    ],
    prepare: None,
};

/// Number of entries in the pinned version, counted with an independent YAML parser.
pub const ENTRIES: usize = 1013;

/// Returns the path of `providers.yaml`, or `None` if the tools are missing: see [`tools::skip`].
pub fn providers() -> Option<PathBuf> {
    match PROJECT.install() {
        Ok(dir) => Some(dir.join("node_modules/@nangohq/providers/providers.yaml")),
        Err(reason) => tools::skip("Nango's catalogue", reason),
    }
}
