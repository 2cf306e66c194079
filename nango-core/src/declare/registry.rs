//! Registry of all functions: sorted, indexed by name, and checked for errors that the compiler cannot detect.

mod by_function;
mod entry;
mod error;

use std::collections::BTreeMap;

use super::{ActionDef, EventDef, Item, Mapper, ParentSource, SyncDef, SyncRun, WebhookDef, suggest};
use crate::model::ModelInfo;
use entry::integration_key;
pub use entry::{Entry, FunctionKind};
use error::LoadError;

/// All functions of the program, sorted by integration, kind and name.
#[derive(Debug, Clone)]
pub struct Registry {
    entries: Vec<Entry>,
}

impl Registry {
    /// Collects the functions that the attributes have registered.
    ///
    /// # Errors
    ///
    /// Returns every [`LoadError`], not only the first.
    pub fn load() -> Result<Self, Vec<LoadError>> {
        Self::from_items(inventory::iter::<Item>.into_iter().copied())
    }

    /// Creates a registry of these items, for programs that do not register functions by linking.
    ///
    /// # Errors
    ///
    /// Returns every [`LoadError`], not only the first.
    pub fn from_items(items: impl IntoIterator<Item = Item>) -> Result<Self, Vec<LoadError>> {
        let mut entries: Vec<Entry> = items.into_iter().map(Entry::new).collect();
        if entries.is_empty() {
            return Err(vec![LoadError::Empty]);
        }
        entries.sort_by(|a, b| {
            (a.integration(), a.kind(), a.name(), a.at()).cmp(&(b.integration(), b.kind(), b.name(), b.at()))
        });
        let registry = Self { entries };
        let mut errors = registry.duplicate_functions();
        errors.extend(registry.conflicting_model_names());
        errors.extend(registry.wrong_parents());
        if errors.is_empty() { Ok(registry) } else { Err(errors) }
    }

    fn duplicate_functions(&self) -> Vec<LoadError> {
        self.entries
            .windows(2)
            .filter(|pair| {
                (pair[0].integration(), pair[0].kind(), pair[0].name())
                    == (pair[1].integration(), pair[1].kind(), pair[1].name())
            })
            .map(|pair| LoadError::Duplicate {
                kind: pair[0].kind().name(),
                name: pair[0].name(),
                integration: pair[0].integration().to_owned(),
                first: pair[0].at(),
                second: pair[1].at(),
            })
            .collect()
    }

    fn conflicting_model_names(&self) -> Vec<LoadError> {
        let mut seen: BTreeMap<(&str, &str), &'static str> = BTreeMap::new();
        let mut errors = Vec::new();
        for (entry, sync) in self.syncs() {
            for model in sync.models {
                let first = *seen.entry((entry.integration(), model.name)).or_insert_with(model.type_name);
                let second = (model.type_name)();
                if first != second {
                    let integration = entry.integration().to_owned();
                    errors.push(LoadError::ModelName { integration, model: model.name, first, second });
                }
            }
        }
        errors
    }

    /// Returns an error for each mapper whose parents no other sync of its integration saves.
    fn wrong_parents(&self) -> Vec<LoadError> {
        let mut errors = Vec::new();
        for (entry, sync) in self.syncs() {
            let SyncRun::Mapper(Mapper { each: Some(each), .. }) = &sync.run else { continue };
            let ParentSource::Model { model, .. } = each.parents else { continue };
            let (integration, at) = (entry.integration().to_owned(), entry.at());
            let (name, parent) = (entry.name(), model.name);
            if sync.models.iter().any(|own| own.name == parent) {
                errors.push(LoadError::OwnParent { name, integration, parent, at });
                continue;
            }
            match self.model(&integration, parent) {
                Some(saved) if (saved.type_name)() == (model.type_name)() => {}
                Some(saved) => {
                    let (used, saved) = ((model.type_name)(), (saved.type_name)());
                    errors.push(LoadError::ModelName { integration, model: parent, first: saved, second: used });
                }
                None => errors.push(LoadError::UnknownParent { name, integration, parent, at }),
            }
        }
        errors
    }

    /// Returns all functions, sorted by integration, kind and name.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Iterates over all syncs, sorted by integration and name.
    pub fn syncs(&self) -> impl Iterator<Item = (&Entry, &'static SyncDef)> {
        self.entries.iter().filter_map(|entry| match entry.item() {
            Item::Sync(def) => Some((entry, def)),
            _ => None,
        })
    }

    /// Returns the integrations that have functions, sorted by name.
    pub fn integrations(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.entries.iter().map(Entry::integration).collect();
        names.dedup();
        names
    }

    /// Iterates over the functions of an integration.
    pub fn of<'a>(&'a self, integration: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.integration() == integration)
    }

    /// Finds a function by integration, kind and name.
    pub fn find(&self, integration: &str, kind: FunctionKind, name: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.integration() == integration && entry.kind() == kind && entry.name() == name)
    }

    /// Finds a sync by integration and name.
    pub fn sync(&self, integration: &str, name: &str) -> Option<&'static SyncDef> {
        self.find(integration, FunctionKind::Sync, name).and_then(|entry| match entry.item() {
            Item::Sync(def) => Some(def),
            _ => None,
        })
    }

    /// Finds an action by integration and name.
    pub fn action(&self, integration: &str, name: &str) -> Option<&'static ActionDef> {
        self.find(integration, FunctionKind::Action, name).and_then(|entry| match entry.item() {
            Item::Action(def) => Some(def),
            _ => None,
        })
    }

    /// Finds the webhook handler of a sync.
    pub fn webhook(&self, integration: &str, sync: &str) -> Option<&'static WebhookDef> {
        self.of(integration).find_map(|entry| match entry.item() {
            Item::Webhook(def) if def.sync.name == sync => Some(def),
            _ => None,
        })
    }

    /// Iterates over the functions for an event of a connection, sorted by name.
    pub fn on_event<'a>(
        &'a self,
        integration: &'a str,
        event: super::Event,
    ) -> impl Iterator<Item = &'static EventDef> + 'a {
        self.of(integration).filter_map(move |entry| match entry.item() {
            Item::Event(def) if def.event == event => Some(def),
            _ => None,
        })
    }

    /// Finds a model of an integration by name.
    pub fn model(&self, integration: &str, name: &str) -> Option<&'static ModelInfo> {
        self.models(integration).into_iter().find(|model| model.name == name)
    }

    /// Returns the models that the syncs of an integration write, sorted by name.
    pub fn models(&self, integration: &str) -> Vec<&'static ModelInfo> {
        let mut models: Vec<_> = self
            .syncs()
            .filter(|(entry, _)| entry.integration() == integration)
            .flat_map(|(_, sync)| sync.models.iter().copied())
            .collect();
        models.sort_by_key(|model| model.name);
        models.dedup_by_key(|model| model.name);
        models
    }

    /// Formats the error for an unknown name: the available names, and the nearest one if there is one.
    pub fn unknown_message<S: AsRef<str>>(what: &str, unknown: &str, valid: &[S]) -> String {
        let valid: Vec<&str> = valid.iter().map(AsRef::as_ref).collect();
        let hint = suggest::hint(suggest::nearest(unknown, valid.iter().copied()));
        match valid[..] {
            [] => format!("unknown {what} `{unknown}`; none are defined"),
            _ => format!("unknown {what} `{unknown}`; available: {}{hint}", suggest::list(valid.iter().copied())),
        }
    }
}

#[cfg(test)]
mod tests;
