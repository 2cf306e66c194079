//! Nango's own catalogue of providers, as npm's `@nangohq/providers` ships it: some thousand APIs that people integrate.
//!
//! Its licence does not allow to hand it on, so it is fetched when a test wants it, and read where it lies.

use std::path::PathBuf;

use crate::{npm::NpmProject, tools};

const KIT: NpmProject = NpmProject {
    name: "catalogue",
    min_node_version: 18,
    files: &[
        ("package.json", include_str!("catalogue/package.json")),
        ("package-lock.json", include_str!("catalogue/package-lock.json")),
    ],
    prepare: None,
};

/// How many entries the pinned version has: lines that begin with a name, counted by another reader of YAML.
pub const ENTRIES: usize = 1013;

/// The path of its `providers.yaml`. `None` if the tools are missing: see [`tools::skip`].
pub fn providers() -> Option<PathBuf> {
    match KIT.install() {
        Ok(place) => Some(place.join("node_modules/@nangohq/providers/providers.yaml")),
        Err(why) => tools::skip("Nango's catalogue", why),
    }
}
