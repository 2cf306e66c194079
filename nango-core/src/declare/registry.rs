//! Registry of all functions: sorted, indexed by name, and checked for errors that the compiler cannot detect.

use std::collections::BTreeMap;

use super::{ActionDef, EventDef, Item, Location, SyncDef, WebhookDef, suggest};
use crate::model::ModelInfo;

/// Kind of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FunctionKind {
    /// A `#[sync]` function.
    Sync,
    /// An `#[action]` function.
    Action,
    /// An `#[on_event]` function.
    OnEvent,
    /// An `#[on_webhook]` function.
    OnWebhook,
}

impl FunctionKind {
    /// Returns the name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Action => "action",
            Self::OnEvent => "on-event",
            Self::OnWebhook => "on-webhook",
        }
    }

    /// Parses the result of [`Self::name`].
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Sync, Self::Action, Self::OnEvent, Self::OnWebhook].into_iter().find(|kind| kind.name() == name)
    }
}

/// A registered function with the name of its integration.
#[derive(Debug, Clone)]
pub struct Entry {
    item: Item,
    integration: String,
}

impl Entry {
    fn new(item: Item) -> Self {
        let declared = match item {
            Item::Sync(def) => def.integration,
            Item::Action(def) => def.integration,
            Item::Event(def) => def.integration,
            Item::Webhook(def) => def.sync.integration,
        };
        Self { item, integration: integration_key(declared) }
    }

    /// Returns the descriptor of the function.
    pub fn item(&self) -> Item {
        self.item
    }

    /// Returns the name of the integration: the declared one, with `-` for `_` (a module cannot be named
    /// `google-drive`).
    pub fn integration(&self) -> &str {
        &self.integration
    }

    /// Returns the kind of the function.
    pub fn kind(&self) -> FunctionKind {
        match self.item {
            Item::Sync(_) => FunctionKind::Sync,
            Item::Action(_) => FunctionKind::Action,
            Item::Event(_) => FunctionKind::OnEvent,
            Item::Webhook(_) => FunctionKind::OnWebhook,
        }
    }

    /// Returns the name of the function.
    pub fn name(&self) -> &'static str {
        match self.item {
            Item::Sync(def) => def.name,
            Item::Action(def) => def.name,
            Item::Event(def) => def.name,
            Item::Webhook(def) => def.name,
        }
    }

    /// Returns the location of the function's attribute.
    pub fn at(&self) -> Location {
        match self.item {
            Item::Sync(def) => def.at,
            Item::Action(def) => def.at,
            Item::Event(def) => def.at,
            Item::Webhook(def) => def.at,
        }
    }
}

/// Converts the declared integration of a descriptor to its name in the registry.
pub(crate) fn integration_key(declared: &str) -> String {
    declared.replace('_', "-")
}

/// All functions of the program, sorted by integration, kind and name.
#[derive(Debug, Clone)]
pub struct Registry {
    entries: Vec<Entry>,
}

/// Error in the set of registered functions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Nothing is registered.
    #[error(
        "nothing is registered: the program links no crate of integrations. Call into it from main.rs: \
         `fn main() -> std::process::ExitCode {{ integrations::main() }}`"
    )]
    Empty,
    /// Two functions of one kind have the same name.
    #[error(
        "{kind} `{name}` of `{integration}` is defined twice: {first} and {second}. \
         Rename one, or give it `name = \"…\"`"
    )]
    Duplicate {
        /// Kind of the function.
        kind: &'static str,
        /// Name of the function.
        name: &'static str,
        /// Name of the integration.
        integration: String,
        /// Location of the first definition.
        first: Location,
        /// Location of the second definition.
        second: Location,
    },
    /// Two types have the same model name in one integration.
    #[error(
        "`{integration}` has two models named `{model}`: {first} and {second}. \
         Give one another name: `#[model(name = \"…\")]`"
    )]
    ModelName {
        /// Name of the integration.
        integration: String,
        /// Name of the model.
        model: &'static str,
        /// Name of the first type.
        first: &'static str,
        /// Name of the second type.
        second: &'static str,
    },
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
            (&a.integration, a.kind(), a.name(), a.at()).cmp(&(&b.integration, b.kind(), b.name(), b.at()))
        });
        let registry = Self { entries };
        let mut errors = registry.duplicate_functions();
        errors.extend(registry.conflicting_model_names());
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
                integration: pair[0].integration.clone(),
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
                    let integration = entry.integration.clone();
                    errors.push(LoadError::ModelName { integration, model: model.name, first, second });
                }
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
        self.entries.iter().filter_map(|entry| match entry.item {
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
        self.entries.iter().filter(move |entry| entry.integration == integration)
    }

    /// Finds a function by integration, kind and name.
    pub fn find(&self, integration: &str, kind: FunctionKind, name: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.integration == integration && entry.kind() == kind && entry.name() == name)
    }

    /// Finds a sync by integration and name.
    pub fn sync(&self, integration: &str, name: &str) -> Option<&'static SyncDef> {
        self.find(integration, FunctionKind::Sync, name).and_then(|entry| match entry.item {
            Item::Sync(def) => Some(def),
            _ => None,
        })
    }

    /// Finds an action by integration and name.
    pub fn action(&self, integration: &str, name: &str) -> Option<&'static ActionDef> {
        self.find(integration, FunctionKind::Action, name).and_then(|entry| match entry.item {
            Item::Action(def) => Some(def),
            _ => None,
        })
    }

    /// Finds the webhook handler of a sync.
    pub fn webhook(&self, integration: &str, sync: &str) -> Option<&'static WebhookDef> {
        self.of(integration).find_map(|entry| match entry.item {
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
        self.of(integration).filter_map(move |entry| match entry.item {
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
    pub fn unknown_message(what: &str, unknown: &str, valid: &[&str]) -> String {
        let near = suggest::nearest(unknown, valid.iter().copied());
        let hint = near.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        match valid {
            [] => format!("unknown {what} `{unknown}`; none are defined"),
            _ => format!("unknown {what} `{unknown}`; available: {}{hint}", suggest::list(valid.iter().copied())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn action(name: &'static str, line: u32) -> ActionDef {
        ActionDef {
            at: Location { file: "src/google_drive.rs", line },
            integration: "google_drive",
            name,
            description: "",
            version: "0.0.1",
            scopes: &[],
            input: None,
            output: |generator| generator.subschema_for::<()>(),
            checkpoint: None,
            metadata: None,
            run: |_, _| Box::pin(std::future::ready(Ok(serde_json::Value::Null))),
        }
    }

    static LIST: ActionDef = action("list", 3);
    static COPY: ActionDef = action("copy", 9);
    static COPY_AGAIN: ActionDef = action("copy", 12);

    #[test]
    fn functions_are_sorted_and_found_by_integration_name() {
        let registry = Registry::from_items([Item::Action(&LIST), Item::Action(&COPY)]).unwrap();
        let names: Vec<_> = registry.entries().iter().map(Entry::name).collect();
        assert_eq!((names, registry.integrations()), (vec!["copy", "list"], vec!["google-drive"]));
        assert!(registry.action("google-drive", "list").is_some());
        assert!(registry.sync("google-drive", "list").is_none());
    }

    #[test]
    fn duplicate_name_is_reported_with_both_locations() {
        let errors = Registry::from_items([&LIST, &COPY_AGAIN, &COPY].map(Item::Action)).unwrap_err();
        let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            ["action `copy` of `google-drive` is defined twice: src/google_drive.rs:9 and src/google_drive.rs:12. \
              Rename one, or give it `name = \"…\"`"]
        );
    }

    #[test]
    fn empty_registry_is_an_error_with_an_example() {
        let errors = Registry::from_items([]).unwrap_err();
        assert_eq!(errors, [LoadError::Empty]);
        assert!(errors[0].to_string().contains("integrations::main()"));
    }

    #[test]
    fn unknown_name_is_reported_with_suggestion_and_list() {
        let check = |wrong: &str, expect: &str| {
            assert_eq!(Registry::unknown_message("action", wrong, &["copy", "list"]), expect);
        };
        check("lst", "unknown action `lst`; available: `copy` and `list`; did you mean `list`?");
        check("move-all", "unknown action `move-all`; available: `copy` and `list`");
        assert_eq!(Registry::unknown_message("sync", "x", &[]), "unknown sync `x`; none are defined");
    }
}
