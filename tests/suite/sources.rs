//! The files of the source tree, for the tests that check rules about the source itself.

use std::{fs, path::Path};

/// A text file of the source tree.
pub(crate) struct Source {
    /// Path from the root of the workspace, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Folders with files that this project's authors write; `target/` and hidden folders are left out.
const ROOTS: [&str; 5] = ["nango-core", "nango-macros", "integrations", "tests", "docs"];

/// Returns the files below the workspace whose names end in one of `extensions`, sorted by path.
pub(crate) fn all(extensions: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests crate lies in the workspace");
    let mut found = Vec::new();
    for entry in fs::read_dir(root).expect("the workspace can be read") {
        let path = entry.expect("the workspace can be read").path();
        if path.is_file() {
            read(root, &path, extensions, &mut found);
        }
    }
    for folder in ROOTS {
        collect(root, &root.join(folder), extensions, &mut found);
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!found.is_empty(), "no sources below {}", root.display());
    found
}

fn collect(root: &Path, folder: &Path, extensions: &[&str], found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a source folder can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(root, &path, extensions, found);
            }
        } else {
            read(root, &path, extensions, found);
        }
    }
}

fn read(root: &Path, path: &Path, extensions: &[&str], found: &mut Vec<Source>) {
    let name = path.to_str().expect("paths of sources are UTF-8");
    if extensions.iter().any(|extension| name.ends_with(extension)) {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let path = path.strip_prefix(root).expect("a path below the workspace");
        found.push(Source { path: path.to_str().expect("UTF-8").replace('\\', "/"), text });
    }
}
