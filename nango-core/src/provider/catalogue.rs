//! Catalogue of provider entries by name.
//!
//! Contains the built-in entries and those of the user's own file. An own entry replaces the built-in one of the same
//! name, and may use it as its `alias` to change a few keys. An entry that cannot be read is kept with the reason,
//! which is reported when the entry is requested; the other entries stay usable.

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
use crate::{declare::suggest, error::Remedy};

/// The provider entries. Cheap to clone. Entries are parsed on first use.
#[derive(Debug, Clone)]
pub struct Catalogue(Arc<Entries>);

#[derive(Debug)]
struct Entries {
    /// Path of the user's own file.
    file: Option<PathBuf>,
    /// Entries of the user's own file.
    custom: BTreeMap<String, RawEntry>,
    /// Whether the built-in entries are included.
    builtin: bool,
    /// All entries by name, parsed on first use.
    by_name: BTreeMap<String, OnceLock<CatalogueEntry>>,
    /// Keys of the entries merged with those of their aliases, resolved on first use.
    resolved: ResolvedEntries,
}

/// An entry of the catalogue.
#[derive(Debug)]
pub struct CatalogueEntry {
    /// Location of the entry.
    pub origin: Origin,
    /// The parsed entry, or the reason why it cannot be read.
    pub provider: Result<Provider, String>,
    /// Problems that disable parts of the entry.
    pub problems: Vec<String>,
    /// Ignored keys.
    pub warnings: Vec<String>,
}

/// Location of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Path of the file; `None` for a built-in entry.
    pub file: Option<PathBuf>,
    /// Position of the name in the file.
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

/// Errors of loading a catalogue or an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The file is not YAML or not a map of entries.
    #[error("{}:{}:{}: the providers cannot be read: {reason}", file.display(), location.line, location.column)]
    Unreadable {
        /// Path of the file.
        file: PathBuf,
        /// Position in the file.
        location: SourceLocation,
        /// The problem.
        reason: String,
    },
    /// The file has no entry.
    #[error("{} has no provider: add entries such as `acme:` with their keys below", .0.display())]
    Empty(PathBuf),
    /// An entry is invalid.
    #[error("the provider `{name}` ({origin}) cannot be read: {reason}")]
    Entry {
        /// Name of the entry.
        name: String,
        /// Location of the entry.
        origin: Origin,
        /// The problem.
        reason: String,
    },
    /// There is no entry with this name.
    #[error("unknown provider `{name}`; {known}{}", suggest::hint(hint.as_deref()))]
    Unknown {
        /// The requested name.
        name: String,
        /// The most similar name.
        hint: Option<String>,
        /// The available names, or their number.
        known: String,
    },
}

impl CatalogueError {
    /// Returns the next step that fixes the cause.
    pub(crate) fn remedy(&self) -> Option<Remedy> {
        matches!(self, Self::Unknown { .. }).then_some(Remedy::ListProviders)
    }
}

/// Maximum number of names in an error.
const MAX_LISTED_NAMES: usize = 30;

impl Catalogue {
    /// Returns the built-in entries.
    pub fn builtin() -> Self {
        Self::build(true, None)
    }

    /// Loads the built-in entries and those of the text of an own file, which take precedence. The path is for
    /// messages.
    ///
    /// # Errors
    ///
    /// Fails if the file is not YAML or has no entry. An invalid entry is not an error of the file; see
    /// [`Catalogue::entries`].
    pub fn load(own: Option<(&Path, &str)>) -> Result<Self, CatalogueError> {
        let own = own.map(|(path, text)| Ok((path, read_non_empty(path, text)?))).transpose()?;
        Ok(Self::build(true, own))
    }

    /// Parses the entries of a text, without the built-in ones.
    ///
    /// # Errors
    ///
    /// Fails like [`Catalogue::load`].
    pub fn parse(yaml: &str) -> Result<Self, CatalogueError> {
        let path = Path::new("providers.yaml");
        Ok(Self::build(false, Some((path, read_non_empty(path, yaml)?))))
    }

    /// Creates a catalogue of one provider, under this name.
    pub(crate) fn of(name: &str, provider: Provider) -> Self {
        let origin = Origin { file: None, location: SourceLocation { line: 1, column: 1 } };
        let entry = CatalogueEntry { origin, provider: Ok(provider), problems: Vec::new(), warnings: Vec::new() };
        let by_name = BTreeMap::from([(name.to_owned(), OnceLock::from(entry))]);
        let (custom, resolved) = (BTreeMap::new(), BTreeMap::new());
        Self(Arc::new(Entries { file: None, custom, builtin: false, by_name, resolved }))
    }

    fn build(builtin: bool, own: Option<(&Path, Vec<RawEntry>)>) -> Self {
        let (file, own) = own.map_or((None, Vec::new()), |(file, own)| (Some(file.to_owned()), own));
        let own: BTreeMap<_, _> = own.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
        let names = builtin::names().filter(|_| builtin).map(str::to_owned).chain(own.keys().cloned());
        let listed: BTreeMap<_, _> = names.map(|name| (name, OnceLock::new())).collect();
        let resolved = listed.keys().map(|name| (name.clone(), OnceLock::new())).collect();
        Self(Arc::new(Entries { file, custom: own, builtin, by_name: listed, resolved }))
    }

    /// Returns an entry, or `None` if it does not exist or cannot be read.
    pub fn get(&self, name: &str) -> Option<&Provider> {
        self.0.get(name)?.provider.as_ref().ok()
    }

    /// Returns an entry.
    ///
    /// # Errors
    ///
    /// Fails if the entry does not exist (the error contains similar names), or cannot be read.
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
                    format!("available: {}", suggest::list(self.names()))
                } else {
                    format!("{} are available", self.0.by_name.len())
                },
            }),
        }
    }

    /// Returns the names of all entries, sorted, including those that cannot be read.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.by_name.keys().map(String::as_str)
    }

    /// Returns the readable entries, sorted by name.
    pub fn providers(&self) -> impl Iterator<Item = &Provider> {
        self.entries().filter_map(|(_, listed)| listed.provider.as_ref().ok())
    }

    /// Returns the URL templates of the user's own file, with the names of their providers.
    pub fn custom_urls(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self.0.custom.keys().filter_map(|name| self.get(name));
        own.flat_map(|provider| provider.urls().map(|url| (provider.name.as_str(), url)))
    }

    /// Returns the entries of the user's own file by name, with their problems and warnings.
    pub fn custom_entries(&self) -> impl Iterator<Item = (&str, &CatalogueEntry)> {
        self.0.custom.keys().filter_map(|name| Some((name.as_str(), self.0.get(name)?)))
    }

    /// Returns all entries by name, with their problems and warnings.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &CatalogueEntry)> {
        self.names().filter_map(|name| Some((name, self.0.get(name)?)))
    }
}

impl Entries {
    /// Returns an entry, which is parsed on first use.
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

    /// Returns the keys of an entry before aliases are resolved, from the own file or the built-in entries. An own
    /// entry whose alias is its own name extends the built-in entry, and inherits the alias of that one.
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
    let entries = file::read(text).map_err(|file::Unreadable { location, reason }| CatalogueError::Unreadable {
        file: path.to_owned(),
        location,
        reason,
    })?;
    if entries.is_empty() { Err(CatalogueError::Empty(path.to_owned())) } else { Ok(entries) }
}

#[cfg(test)]
mod tests;
