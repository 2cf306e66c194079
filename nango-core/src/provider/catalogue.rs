//! The entries, by name.
//!
//! The built-in entries, and over them those of the person's own file: one of the same name replaces the built-in one,
//! and may name it as its `alias` to change a few keys. An entry that cannot be read is kept with its reason, so that
//! whoever asks for it is told, and the others are there.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use serde_json::{Map, Value};

use super::{
    Provider, builtin,
    file::{self, MergedKeys, ParsedEntry, RawEntry, ResolvedEntries, SourceLocation},
};
use crate::declare::suggest;

/// The APIs that are known. A copy is cheap, and an entry is read when it is first asked for.
#[derive(Debug, Clone)]
pub struct Catalogue(Arc<Entries>);

#[derive(Debug)]
struct Entries {
    /// The person's own file.
    file: Option<PathBuf>,
    /// What is written in it.
    custom: BTreeMap<String, RawEntry>,
    /// Whether the built-in entries are there, too.
    builtin: bool,
    /// All entries by name, as far as they were asked for.
    by_name: BTreeMap<String, OnceLock<CatalogueEntry>>,
    /// Their keys, as far as they were resolved.
    resolved: ResolvedEntries,
}

/// An entry of the catalogue.
#[derive(Debug)]
pub struct CatalogueEntry {
    /// Where it stands.
    pub origin: Origin,
    /// What it says, or why it cannot be read.
    pub provider: Result<Provider, String>,
    /// What is wrong with it, although it can be used in part.
    pub problems: Vec<String>,
    /// What was passed over.
    pub warnings: Vec<String>,
}

/// Where an entry stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file; `None`: it is built in.
    pub file: Option<PathBuf>,
    /// The place of its name in the file.
    pub location: SourceLocation,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}:{}:{}", file.display(), self.location.line, self.location.column),
            None => f.write_str("built in"),
        }
    }
}

/// Why a catalogue, or an entry of one, cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The file is not YAML, or no map of entries.
    #[error("{}:{}:{}: the providers cannot be read: {reason}", file.display(), location.line, location.column)]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Where in it.
        location: SourceLocation,
        /// What is wrong.
        reason: String,
    },
    /// The file has no entry.
    #[error("{} has no provider: write entries such as `acme:` with their keys below", .0.display())]
    Empty(PathBuf),
    /// An entry contradicts itself.
    #[error("the provider `{name}` ({origin}) cannot be read: {reason}")]
    Entry {
        /// The entry.
        name: String,
        /// Where it stands.
        origin: Origin,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such entry.
    #[error("`{name}` is no provider{}: {known}", hint.as_ref().map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name.
        hint: Option<String>,
        /// All names, or how many there are.
        known: String,
    },
}

/// How many names an error lists.
const MAX_LISTED_NAMES: usize = 30;

impl Catalogue {
    /// The entries that come with the program.
    pub fn builtin() -> Self {
        Self::build(true, None)
    }

    /// The built-in entries, and those of a file over them. The path is for messages.
    ///
    /// # Errors
    ///
    /// The file is not YAML or has no entry. A wrong entry is no error of the file: see [`Catalogue::entries`].
    pub fn load(own: Option<(&Path, &str)>) -> Result<Self, CatalogueError> {
        let own = own.map(|(path, text)| Ok((path, read_non_empty(path, text)?))).transpose()?;
        Ok(Self::build(true, own))
    }

    /// The entries of a text alone, without the built-in ones.
    ///
    /// # Errors
    ///
    /// As [`Catalogue::load`].
    pub fn parse(yaml: &str) -> Result<Self, CatalogueError> {
        let path = Path::new("providers.yaml");
        Ok(Self::build(false, Some((path, read_non_empty(path, yaml)?))))
    }

    fn build(builtin: bool, own: Option<(&Path, Vec<RawEntry>)>) -> Self {
        let (file, own) = own.map_or((None, Vec::new()), |(file, own)| (Some(file.to_owned()), own));
        let own: BTreeMap<_, _> = own.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
        let names = builtin::names().filter(|_| builtin).map(str::to_owned).chain(own.keys().cloned());
        let listed: BTreeMap<_, _> = names.map(|name| (name, OnceLock::new())).collect();
        let resolved = listed.keys().map(|name| (name.clone(), OnceLock::new())).collect();
        Self(Arc::new(Entries { file, custom: own, builtin, by_name: listed, resolved }))
    }

    /// An entry.
    pub fn get(&self, name: &str) -> Option<&Provider> {
        self.0.get(name)?.provider.as_ref().ok()
    }

    /// An entry that must be there.
    ///
    /// # Errors
    ///
    /// It is not, and the error names the nearest; or it cannot be read.
    pub fn find(&self, name: &str) -> Result<&Provider, CatalogueError> {
        match self.0.get(name) {
            Some(listed) => listed.provider.as_ref().map_err(|reason| CatalogueError::Entry {
                name: name.to_owned(),
                origin: listed.origin.clone(),
                reason: reason.clone(),
            }),
            None => Err(CatalogueError::Unknown {
                name: name.to_owned(),
                hint: suggest::nearest(name, self.names()).map(str::to_owned),
                known: if self.0.by_name.len() <= MAX_LISTED_NAMES {
                    format!("there are {}", suggest::list(self.names()))
                } else {
                    format!("there are {}, see `registry providers list`", self.0.by_name.len())
                },
            }),
        }
    }

    /// The names, sorted; those of entries that cannot be read are among them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.by_name.keys().map(String::as_str)
    }

    /// The entries that can be read, by name.
    pub fn providers(&self) -> impl Iterator<Item = &Provider> {
        self.entries().filter_map(|(_, listed)| listed.provider.as_ref().ok())
    }

    /// The URLs that stand in a person's own file of providers, as they are written, with the provider's name.
    pub fn custom_urls(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self.0.custom.keys().filter_map(|name| self.get(name));
        own.flat_map(|provider| provider.urls().map(|url| (provider.name.as_str(), url)))
    }

    /// The entries of a person's own file by name, with what was noticed when they were read.
    pub fn custom_entries(&self) -> impl Iterator<Item = (&str, &CatalogueEntry)> {
        self.0.custom.keys().filter_map(|name| Some((name.as_str(), self.0.get(name)?)))
    }

    /// All entries by name, with what was noticed when they were read.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &CatalogueEntry)> {
        self.names().filter_map(|name| Some((name, self.0.get(name)?)))
    }
}

impl Entries {
    /// An entry, read the first time.
    fn get(&self, name: &str) -> Option<&CatalogueEntry> {
        let cell = self.by_name.get(name)?;
        if let Some(listed) = cell.get() {
            return Some(listed);
        }
        let origin = match self.custom.get(name) {
            Some(entry) => Origin { file: self.file.clone(), location: entry.location },
            None => Origin { file: None, location: SourceLocation { line: 1, column: 1 } },
        };
        let merged = file::resolve(name, &self.resolved, &|name| self.keys(name))?;
        Some(cell.get_or_init(|| CatalogueEntry::read(name, origin, merged)))
    }

    /// The keys that are written of a name: in the own file, otherwise among the built-in entries. An entry of the file
    /// that refers to its own name goes over the built-in one, with that one's alias.
    fn keys(&self, name: &str) -> Option<Result<Map<String, Value>, String>> {
        let Some(own) = self.custom.get(name) else { return Some(self.builtin(name)?.keys) };
        let replaced = || match own.keys.as_ref().map(file::alias_target) {
            Ok(Ok(Some(target))) if target == name => self.builtin(name)?.keys.ok(),
            _ => None,
        };
        Some(own.keys.clone().map(|mut keys| {
            let Some(mut below) = replaced() else { return keys };
            keys.shift_remove("alias");
            below.shift_remove(file::FACTS);
            below.extend(keys);
            below
        }))
    }

    fn builtin(&self, name: &str) -> Option<RawEntry> {
        if self.builtin { builtin::entry(name) } else { None }
    }
}

impl CatalogueEntry {
    fn read(name: &str, origin: Origin, merged: &MergedKeys) -> Self {
        match merged.as_ref().map_err(Clone::clone).and_then(|keys| file::parse_provider(name, keys)) {
            Ok(ParsedEntry { provider, problems, warnings }) => {
                Self { origin, provider: Ok(provider), problems, warnings }
            }
            Err(reason) => Self { origin, provider: Err(reason), problems: Vec::new(), warnings: Vec::new() },
        }
    }
}

fn read_non_empty(path: &Path, text: &str) -> Result<Vec<RawEntry>, CatalogueError> {
    let entries = file::read(text).map_err(|file::Unreadable { location: place, reason }| {
        CatalogueError::Unreadable { file: path.to_owned(), location: place, reason }
    })?;
    if entries.is_empty() { Err(CatalogueError::Empty(path.to_owned())) } else { Ok(entries) }
}

#[cfg(test)]
mod tests;
