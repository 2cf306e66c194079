//! Walk of a sync as `registry describe` shows it: pagination, delete rules and pending deletes of a connection.

use std::collections::BTreeMap;

use serde::Serialize;

use super::requests::{Requests, paginate_of};
use crate::{
    cli::{CommandError, Context, Terminal, lookup, report::waiting_text},
    declare::{Deletes, Entry, Item, SyncRun},
    nango::DeferredDeletes,
    store::{BASE_VARIANT, DatasetKey, DeletePolicy, FullRuns},
    wire::WaitingDeletesJson,
};

/// Pagination and deletes of a sync.
#[derive(Debug, Serialize)]
pub(super) struct Walk {
    /// `token`, `position`, or `by_value` if the cursor or link decides at runtime; `None` for a hand-written sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination_reason: Option<&'static str>,
    /// `None` for a hand-written sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<Requests>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_settings: Option<DeleteSettings>,
    /// Pending deletes of a connection, by model.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_deletes: Option<BTreeMap<&'static str, WaitingDeletesJson>>,
    #[serde(skip)]
    waiting: Vec<(&'static str, DeferredDeletes)>,
}

/// Declared conditions of deletes.
#[derive(Debug, Serialize)]
struct DeleteSettings {
    /// Number of complete walks that must miss a record; `None` if the pagination decides.
    confirm: Option<u32>,
    /// Whether a request confirms each delete.
    by_request: bool,
    hold_seconds: u32,
    max_percent: Option<u8>,
}

impl Walk {
    /// Returns the walk of a function; `None` if it is not a sync.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        let Item::Sync(def) = entry.item() else { return None };
        let mut walk = Self {
            pagination: None,
            pagination_reason: None,
            requests: None,
            deletes: def.track_deletes.then(|| delete_rule_text(&def.deletes)),
            delete_settings: def.track_deletes.then(|| DeleteSettings {
                confirm: def.deletes.confirm,
                by_request: def.deletes.request.is_some(),
                hold_seconds: def.deletes.hold,
                max_percent: def.deletes.max_percent,
            }),
            waiting_deletes: None,
            waiting: Vec::new(),
        };
        if let SyncRun::Mapper(mapper) = &def.run {
            let (kind, reason) = match paginate_of(mapper) {
                Some(paginate) => paginate.declared_pagination(),
                None => (Some(crate::declare::Pagination::Token), "one request"),
            };
            walk.pagination = Some(kind.map_or("by_value", crate::declare::Pagination::name));
            walk.pagination_reason = Some(reason);
            walk.requests = Some(Requests::of(mapper));
        }
        Some(walk)
    }

    /// Adds the pending deletes of a connection.
    pub(super) fn load_waiting_deletes(
        &mut self,
        entry: &Entry,
        connection: &str,
        context: &mut Context,
    ) -> Result<(), CommandError> {
        let Item::Sync(def) = entry.item() else { return Ok(()) };
        let runtime = context.open_existing()?;
        context.block_on(lookup::connection(&runtime, entry.integration(), connection))?;
        let policy = DeletePolicy::of(&def.deletes, FullRuns::of(&def.run));
        for model in def.models {
            let dataset = DatasetKey {
                integration: entry.integration().to_owned(),
                connection: connection.to_owned(),
                model: model.name.to_owned(),
                variant: BASE_VARIANT.to_owned(),
            };
            let outlook = context.block_on(runtime.store.pending_deletes(&dataset, &policy))?;
            let waiting = DeferredDeletes {
                held: outlook.held,
                unconfirmed: outlook.unconfirmed,
                held_by: outlook.held_by,
                next_full: outlook.next_full,
            };
            if waiting.held + waiting.unconfirmed > 0 {
                self.waiting.push((model.name, waiting));
            }
        }
        let json = self.waiting.iter().map(|(model, waiting)| (*model, WaitingDeletesJson::of(waiting)));
        self.waiting_deletes = Some(json.collect());
        Ok(())
    }

    pub(super) fn print(&self, terminal: &mut Terminal) -> Result<(), CommandError> {
        if let Some(requests) = &self.requests {
            requests.print(terminal)?;
        }
        if let (Some(kind), Some(reason)) = (self.pagination, self.pagination_reason) {
            terminal.line(format_args!("pages     {} ({reason})", kind.replace('_', " ")))?;
        }
        if let Some(deletes) = &self.deletes {
            terminal.line(format_args!("deletes   {deletes}"))?;
        }
        for (model, waiting) in &self.waiting {
            terminal.line(format_args!("waiting   {model}: {}", waiting_text(waiting)))?;
        }
        if self.waiting_deletes.as_ref().is_some_and(BTreeMap::is_empty) {
            terminal.line("waiting   no pending deletes in this connection")?;
        }
        Ok(())
    }
}

/// Returns the delete rule as a sentence.
fn delete_rule_text(deletes: &Deletes) -> String {
    let confirmed = match (deletes.request, deletes.confirm) {
        (Some(_), _) => "and the API responds 404 or 410 to a request for it".to_owned(),
        (None, Some(1)) => "once".to_owned(),
        (None, Some(walks)) => format!("{walks} times in a row"),
        (None, None) => {
            "once (token pagination, one request) or two or three times in a row (position-based pagination)".to_owned()
        }
    };
    let limit = deletes.max_percent.map_or_else(String::new, |percent| format!("; at most {percent} % at once"));
    let hold = format!("; suspicious deletes are held for {} s", deletes.hold);
    format!("a record is deleted if complete walks do not see it {confirmed}{limit}{hold}")
}
