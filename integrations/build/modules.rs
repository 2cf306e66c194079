//! Search for files with functions that are not part of the crate, because no file declares their module.
//!
//! The compiler does not read such a file, so it reports nothing, and the functions are missing in the program. The
//! search reads `mod` declarations as text: it prefers to miss a file over reporting one that is compiled.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Beginnings of the attributes that register a function.
const ATTRIBUTES: [&str; 4] = ["#[sync", "#[action", "#[on_event", "#[on_webhook"];
/// Files and folders in `src/` that cargo compiles as crates of their own.
const CRATE_ROOTS: [&str; 3] = ["lib.rs", "main.rs", "bin"];

/// Returns one message for each file below `src` that contains an annotated function and is not part of the crate.
/// Paths in messages begin with the path of `src` as given.
pub(crate) fn missing_modules(src: &Path) -> Vec<String> {
    let mut reached = BTreeSet::new();
    for root in CRATE_ROOTS {
        let root = src.join(root);
        let files = if root.is_dir() { rust_files(&root) } else { vec![root] };
        for file in files {
            let folder = file.parent().unwrap_or(src).to_owned();
            reach(&file, &folder, &mut reached);
        }
    }
    let missing = rust_files(src).into_iter().filter(|file| !reached.contains(file) && has_function(file));
    missing.map(|file| message(src, &file, &reached)).collect()
}

/// Adds a file and the files of the modules that it declares. `folder` contains the files of its modules.
fn reach(file: &Path, folder: &Path, reached: &mut BTreeSet<PathBuf>) {
    let Ok(text) = fs::read_to_string(file) else { return };
    if !reached.insert(file.to_owned()) {
        return;
    }
    let text = without_line_comments(&text);
    for name in declared_modules(&text) {
        // The modules of an inline module are in a folder of its name, which a search by text does not know.
        for parent in std::iter::once(folder.to_owned()).chain(inline_modules(&text).map(|inline| folder.join(inline)))
        {
            reach(&parent.join(format!("{name}.rs")), &parent.join(name), reached);
            reach(&parent.join(name).join("mod.rs"), &parent.join(name), reached);
        }
    }
    // `#[path = "x.rs"]` and `include!("x.rs")`, relative to the file or to the folder of its modules.
    for named in text.split('"').skip(1).step_by(2).map(Path::new).filter(|path| is_rust(path)) {
        for parent in [file.parent().unwrap_or(folder), folder] {
            let named = parent.join(named);
            let modules = named.parent().unwrap_or(folder).to_owned();
            reach(&named, &modules, reached);
        }
    }
}

/// Returns the names of modules in files of their own: `mod name;`.
fn declared_modules(text: &str) -> impl Iterator<Item = &str> {
    modules(text, ';')
}

/// Returns the names of modules with a body: `mod name {`.
fn inline_modules(text: &str) -> impl Iterator<Item = &str> {
    modules(text, '{')
}

fn modules(text: &str, end: char) -> impl Iterator<Item = &str> {
    text.match_indices("mod ").filter_map(move |(at, found)| {
        let is_word = text[..at].chars().next_back().is_none_or(|before| !is_identifier(before));
        let rest = text[at + found.len()..].trim_start();
        let rest = rest.strip_prefix("r#").unwrap_or(rest);
        let length = rest.find(|c| !is_identifier(c))?;
        let (name, after) = rest.split_at(length);
        (is_word && !name.is_empty() && after.trim_start().starts_with(end)).then_some(name)
    })
}

fn is_identifier(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Removes the lines that are comments, so that `// mod old;` declares nothing.
fn without_line_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]).collect()
}

fn has_function(file: &Path) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().any(|line| ATTRIBUTES.iter().any(|attribute| line.trim_start().starts_with(attribute)))
}

/// Returns what to add, and where: the declaration of the outermost module that is missing.
fn message(src: &Path, file: &Path, reached: &BTreeSet<PathBuf>) -> String {
    let mut module = file.to_owned();
    if module.ends_with("mod.rs") {
        module.pop();
    }
    module.set_extension("");
    let mut parent = src.join("lib.rs");
    let mut folder = src.to_owned();
    let mut create = false;
    for part in &module.strip_prefix(src).unwrap_or(&module).to_owned() {
        let path = folder.join(part);
        let own = [path.with_extension("rs"), path.join("mod.rs")];
        if let Some(known) = own.iter().find(|own| reached.contains(*own)) {
            parent.clone_from(known);
            folder = path;
            continue;
        }
        create = own.iter().all(|own| !own.exists());
        module = path;
        break;
    }
    let name = module.file_name().unwrap_or_default().to_string_lossy();
    let inner = file.file_stem().unwrap_or_default().to_string_lossy();
    let create = if create {
        format!(", and create {} with `mod {inner};` and `pub use {inner}::*;`", module.with_extension("rs").display())
    } else {
        String::new()
    };
    format!(
        "{} is not part of the crate, so its functions are missing: add `pub mod {name};` to {}{create}",
        file.display(),
        parent.display()
    )
}

/// Returns the Rust files below a folder, sorted by path.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if is_rust(&path) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}
