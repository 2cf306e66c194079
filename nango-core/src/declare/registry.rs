//! Everything that is registered, sorted, looked up by name, and checked for what a compiler cannot see.

use std::collections::BTreeMap;

use super::{ActionDef, EventDef, Item, Location, SyncDef, WebhookDef, suggest};
use crate::model::ModelInfo;

/// What a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FunctionKind {
    /// `#[sync]`
    Sync,
    /// `#[action]`
    Action,
    /// `#[on_event]`
    OnEvent,
    /// `#[on_webhook]`
    OnWebhook,
}

impl FunctionKind {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Action => "action",
            Self::OnEvent => "on-event",
            Self::OnWebhook => "on-webhook",
        }
    }

    /// Reads back what [`Self::name`] wrote.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Sync, Self::Action, Self::OnEvent, Self::OnWebhook].into_iter().find(|kind| kind.name() == name)
    }
}

/// A registered function.
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

    /// The descriptor.
    pub fn item(&self) -> Item {
        self.item
    }

    /// The integration's name: the declared one, with `-` for `_` (a module cannot be called `google-drive`).
    pub fn integration(&self) -> &str {
        &self.integration
    }

    /// What the function is.
    pub fn kind(&self) -> FunctionKind {
        match self.item {
            Item::Sync(_) => FunctionKind::Sync,
            Item::Action(_) => FunctionKind::Action,
            Item::Event(_) => FunctionKind::OnEvent,
            Item::Webhook(_) => FunctionKind::OnWebhook,
        }
    }

    /// The function's name.
    pub fn name(&self) -> &'static str {
        match self.item {
            Item::Sync(def) => def.name,
            Item::Action(def) => def.name,
            Item::Event(def) => def.name,
            Item::Webhook(def) => def.name,
        }
    }

    /// Where it is declared.
    pub fn at(&self) -> Location {
        match self.item {
            Item::Sync(def) => def.at,
            Item::Action(def) => def.at,
            Item::Event(def) => def.at,
            Item::Webhook(def) => def.at,
        }
    }
}

/// The integration of a descriptor as the registry names it.
pub(crate) fn integration_key(declared: &str) -> String {
    declared.replace('_', "-")
}

/// Every function of the program, sorted by integration, kind and name.
#[derive(Debug, Clone)]
pub struct Registry {
    entries: Vec<Entry>,
}

/// What is wrong with the functions of a program, all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Nothing is registered.
    #[error(
        "nothing is registered: the program links no crate of integrations. Call into it from main.rs: \
         `fn main() -> std::process::ExitCode {{ integrations::main() }}`"
    )]
    Empty,
    /// Two functions of one kind have one name.
    #[error(
        "{kind} `{name}` of `{integration}` is defined twice: {first} and {second}. Rename one, or give it `name = \"…\"`"
    )]
    Duplicate {
        /// The function's kind.
        kind: &'static str,
        /// The function's name.
        name: &'static str,
        /// The integration.
        integration: String,
        /// The first place.
        first: Location,
        /// The second place.
        second: Location,
    },
    /// Two types have one model name in one integration.
    #[error(
        "`{integration}` has two models named `{model}`: {first} and {second}. Give one another name: `#[model(name = \"…\")]`"
    )]
    ModelName {
        /// The integration.
        integration: String,
        /// The model.
        model: &'static str,
        /// The first type.
        first: &'static str,
        /// The second type.
        second: &'static str,
    },
}

impl Registry {
    /// What the program registered through the attributes.
    ///
    /// # Errors
    ///
    /// Every [`LoadError`] at once.
    pub fn load() -> Result<Self, Vec<LoadError>> {
        Self::from_items(inventory::iter::<Item>.into_iter().copied())
    }

    /// A registry of these items: the door for programs that do not register by linking.
    ///
    /// # Errors
    ///
    /// Every [`LoadError`] at once.
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

    /// All functions, sorted.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All syncs, sorted.
    pub fn syncs(&self) -> impl Iterator<Item = (&Entry, &'static SyncDef)> {
        self.entries.iter().filter_map(|entry| match entry.item {
            Item::Sync(def) => Some((entry, def)),
            _ => None,
        })
    }

    /// The integrations that have functions, sorted.
    pub fn integrations(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.entries.iter().map(Entry::integration).collect();
        names.dedup();
        names
    }

    /// The functions of an integration.
    pub fn of<'a>(&'a self, integration: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.integration == integration)
    }

    /// A function by name and kind.
    pub fn find(&self, integration: &str, kind: FunctionKind, name: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.integration == integration && entry.kind() == kind && entry.name() == name)
    }

    /// A sync by name.
    pub fn sync(&self, integration: &str, name: &str) -> Option<&'static SyncDef> {
        self.find(integration, FunctionKind::Sync, name).and_then(|entry| match entry.item {
            Item::Sync(def) => Some(def),
            _ => None,
        })
    }

    /// An action by name.
    pub fn action(&self, integration: &str, name: &str) -> Option<&'static ActionDef> {
        self.find(integration, FunctionKind::Action, name).and_then(|entry| match entry.item {
            Item::Action(def) => Some(def),
            _ => None,
        })
    }

    /// The webhook handler of a sync.
    pub fn webhook(&self, integration: &str, sync: &str) -> Option<&'static WebhookDef> {
        self.of(integration).find_map(|entry| match entry.item {
            Item::Webhook(def) if def.sync.name == sync => Some(def),
            _ => None,
        })
    }

    /// The functions that run on an event of a connection, in the order of their names.
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

    /// A model of an integration by name.
    pub fn model(&self, integration: &str, name: &str) -> Option<&'static ModelInfo> {
        self.models(integration).into_iter().find(|model| model.name == name)
    }

    /// The models that an integration's syncs write, sorted by name.
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

    /// A sentence for a name that is not there: the nearest one, and the list.
    pub fn unknown_message(what: &str, unknown: &str, valid: &[&str]) -> String {
        let near = suggest::nearest(unknown, valid.iter().copied());
        let hint = near.map_or_else(|| ".".to_owned(), |name| format!(", did you mean `{name}`?"));
        match valid {
            [] => format!("there is no {what} `{unknown}`, and no other either"),
            _ => format!("there is no {what} `{unknown}`{hint} There is {}", suggest::list(valid.iter().copied())),
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
    fn functions_are_sorted_and_found_by_the_integrations_own_name() {
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
        check("lst", "there is no action `lst`, did you mean `list`? There is `copy` and `list`");
        check("move-all", "there is no action `move-all`. There is `copy` and `list`");
        assert_eq!(Registry::unknown_message("sync", "x", &[]), "there is no sync `x`, and no other either");
    }
}
