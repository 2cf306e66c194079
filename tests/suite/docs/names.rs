//! Files and items that the documents name exist.

use std::path::Path;

use crate::sources::{self, Source};

/// A file that the reader of a guide creates.
const CREATED_BY_READER: &str = "integrations/src/github/tutorial.rs";

/// The parts of a text between single backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Returns the paths of a text such as `store/lease.rs` or `run/{job,report}.rs`. Names in capitals are placeholders.
fn paths(code: &str) -> Vec<String> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "_-./{},".contains(c);
    let is_placeholder = code.split(['/', '.']).any(|part| part.len() > 1 && part.chars().all(char::is_uppercase));
    if Path::new(code).extension().is_none_or(|kind| kind != "rs") || !code.chars().all(is_path) || is_placeholder {
        return Vec::new();
    }
    match code.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
        Some((before, (names, after))) => names.split(',').map(|name| format!("{before}{name}{after}")).collect(),
        None => vec![code.to_owned()],
    }
}

/// Returns the files of a path, which is given from the root or from any folder.
fn files<'s>(sources: &'s [Source], path: &str) -> Vec<&'s Source> {
    let is_named = |source: &&Source| {
        source.path.strip_suffix(path).is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
    };
    sources.iter().filter(is_named).collect()
}

#[test]
fn documents_name_existing_files_and_items() {
    let sources = sources::all(&[".rs"]);
    let mut wrong = Vec::new();
    let mut found = 0;
    for document in super::documents().iter().filter(|document| document.path != "CHANGELOG.md") {
        for path in code(&document.text).flat_map(paths) {
            found += 1;
            if path != CREATED_BY_READER && files(&sources, &path).is_empty() {
                wrong.push(format!("{}: no file `{path}`", document.path));
            }
        }
        // "`item` in `path.rs`", also with a line break.
        let text = document.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let parts: Vec<_> = text.split('`').collect();
        for window in parts.windows(3).skip(1).step_by(2) {
            let &[item, " in ", path] = window else { continue };
            let item = item.rsplit("::").next().unwrap_or_default();
            let named: Vec<_> = paths(path).iter().flat_map(|path| files(&sources, path)).collect();
            if !named.is_empty() && !named.iter().any(|source| source.text.contains(item)) {
                wrong.push(format!("{}: no `{item}` in `{}`", document.path, path));
            }
        }
    }
    assert!(wrong.is_empty(), "documents name what is not there:\n{}", wrong.join("\n"));
    assert!(found > 30, "{found} files");
}
