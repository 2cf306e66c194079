//! Place of a new test: a module below that of the function, which sees the same names.

use std::path::{Path, PathBuf};

use crate::{cli::CommandError, declare::Location};

/// Files and names of a new test.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// File of the test.
    pub(super) file: PathBuf,
    /// Name of its module.
    pub(super) module: String,
    /// File with the function, which declares the module.
    pub(super) source: PathBuf,
    /// Name of the function in the source.
    pub(super) function: String,
    /// Path of the recording, from the directory of the package.
    pub(super) recording: String,
}

impl Place {
    /// Finds the package of a function, from the current directory upwards.
    pub(super) fn find(at: &Location, recording: &Path) -> Result<Self, CommandError> {
        let here = std::env::current_dir()
            .map_err(|error| CommandError::failed(format!("the current directory cannot be read: {error}")))?;
        Self::find_from(&here, at, recording)
    }

    fn find_from(here: &Path, at: &Location, recording: &Path) -> Result<Self, CommandError> {
        let source = here.ancestors().map(|folder| folder.join(at.file)).find(|file| file.is_file());
        let source = source.ok_or_else(|| {
            CommandError::usage(format!(
                "the source of the function, {}, is not below {}: run the command in the directory of the workspace",
                at.file,
                here.display()
            ))
        })?;
        let package = source.ancestors().skip(1).find(|folder| folder.join("Cargo.toml").is_file());
        let package = package.ok_or_else(|| {
            CommandError::usage(format!("{} is not in a package: there is no Cargo.toml above it", source.display()))
        })?;
        let absolute = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let (from, root) = (absolute(&here.join(recording)), absolute(package));
        let Ok(inside) = from.strip_prefix(&root) else {
            return Err(CommandError::usage(format!(
                "--from: a test reads its recording from its own package: move {} to {} first",
                recording.display(),
                package.join("tests").join("recordings").display()
            )));
        };
        let mut segments: Vec<&str> = at.function.split("::").skip(1).collect();
        let function = segments.pop().unwrap_or_default().to_owned();
        let stem = inside.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let module = format!("replay_{}", identifier(&stem));
        let folder = segments.iter().fold(package.join("src"), |folder, segment| folder.join(segment));
        let recording = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect::<Vec<_>>().join("/");
        Ok(Self { file: folder.join(format!("{module}.rs")), module, source, function, recording })
    }
}

/// Returns a part of a Rust name for a file name.
fn identifier(text: &str) -> String {
    let chars = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    chars.collect::<String>().trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const AT: Location = Location { file: "acme/src/things.rs", line: 1, function: "acme::things::lists::all_things" };

    #[test]
    fn test_is_a_child_of_the_module_of_the_function() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let package = root.join("acme");
        fs::create_dir_all(package.join("src")).unwrap();
        fs::create_dir_all(package.join("tests")).unwrap();
        let find = |recording: &str| {
            let found = Place::find_from(&root, &AT, Path::new(recording));
            found.map_err(|error| error.to_string())
        };
        assert!(find("x.jsonl").unwrap_err().contains("run the command in the directory of the workspace"));
        fs::write(package.join("src/things.rs"), "").unwrap();
        assert!(find("x.jsonl").unwrap_err().contains("no Cargo.toml above it"));
        fs::write(package.join("Cargo.toml"), "").unwrap();
        fs::write(package.join("tests/All-Things.1.jsonl"), "").unwrap();
        fs::write(root.join("x.jsonl"), "").unwrap();
        assert!(find("x.jsonl").unwrap_err().contains("move x.jsonl to"));
        let place = Place {
            file: package.join("src/things/lists/replay_all_things_1.rs"),
            module: "replay_all_things_1".to_owned(),
            source: package.join("src/things.rs"),
            function: "all_things".to_owned(),
            recording: "tests/All-Things.1.jsonl".to_owned(),
        };
        assert_eq!(find("acme/tests/All-Things.1.jsonl"), Ok(place));
    }
}
