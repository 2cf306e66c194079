//! Resolved function of a run.

use serde_json::Value;

use super::request::{RunRequest, Target};
use crate::{
    declare::{ActionDef, Entry, EventDef, FunctionKind, Item, Registry, SyncDef, WebhookDef, suggest},
    error::{Error, Result},
};

/// Resolved function with its input.
#[derive(Debug, Clone)]
pub(super) enum Job {
    Sync(&'static SyncDef),
    Action(&'static ActionDef, Value),
    Webhook(&'static WebhookDef, Value),
    Event(&'static EventDef),
}

impl Job {
    /// Resolves the function of a request.
    ///
    /// # Errors
    ///
    /// Fails if the registry has no such integration, function or webhook handler, or if the handler does not accept
    /// the type of the webhook.
    pub(super) fn resolve(registry: &Registry, request: &RunRequest) -> Result<Self> {
        let integration = &request.integration;
        if !registry.integrations().contains(&integration.as_str()) {
            return Err(Error::msg(Registry::unknown_message("integration", integration, &registry.integrations())));
        }
        let (kind, name) = match &request.function {
            Target::Sync(name) | Target::Webhook { sync: name, .. } => (FunctionKind::Sync, name),
            Target::Action { name, .. } => (FunctionKind::Action, name),
            Target::Event(name) => (FunctionKind::OnEvent, name),
        };
        let names =
            || registry.of(integration).filter(|entry| entry.kind() == kind).map(Entry::name).collect::<Vec<_>>();
        let unknown = || {
            Error::msg(Registry::unknown_message(&format!("{} of `{integration}` named", kind.name()), name, &names()))
        };
        match &request.function {
            Target::Sync(name) => registry.sync(integration, name).map(Self::Sync).ok_or_else(unknown),
            Target::Action { name, input } => {
                registry.action(integration, name).map(|def| Self::Action(def, input.clone())).ok_or_else(unknown)
            }
            Target::Event(name) => registry
                .find(integration, FunctionKind::OnEvent, name)
                .and_then(|entry| match entry.item() {
                    Item::Event(def) => Some(Self::Event(def)),
                    _ => None,
                })
                .ok_or_else(unknown),
            Target::Webhook { sync, r#type, payload } => {
                registry.sync(integration, sync).ok_or_else(unknown)?;
                let handler = registry.webhook(integration, sync).ok_or_else(|| {
                    Error::msg(format!(
                        "the sync `{sync}` has no webhook handler: write one with `#[on_webhook({}, \"…\")]`",
                        sync.replace('-', "_")
                    ))
                })?;
                let accepts = handler.subscriptions.iter().any(|kind| *kind == "*" || kind == r#type);
                if !accepts {
                    let hint = suggest::hint(suggest::nearest(r#type, handler.subscriptions.iter().copied()));
                    let types = suggest::list(handler.subscriptions.iter().copied());
                    return Err(Error::msg(format!(
                        "unknown webhook type `{}` for `{}`; accepted: {types}{hint}",
                        r#type, handler.name
                    )));
                }
                Ok(Self::Webhook(handler, payload.clone()))
            }
        }
    }

    pub(super) fn kind(&self) -> FunctionKind {
        match self {
            Self::Sync(_) => FunctionKind::Sync,
            Self::Action(..) => FunctionKind::Action,
            Self::Webhook(..) => FunctionKind::OnWebhook,
            Self::Event(_) => FunctionKind::OnEvent,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Sync(def) => def.name,
            Self::Action(def, _) => def.name,
            Self::Webhook(def, _) => def.name,
            Self::Event(def) => def.name,
        }
    }
}
