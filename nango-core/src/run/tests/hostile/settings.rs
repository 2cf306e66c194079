//! Settings of a case: the list, the style of its API, the probability of changes and faults, and the sync.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    style::{PositionCarrier, Style},
    upstream::Order,
};
use crate::{
    declare::{
        ConfirmRequest, Deletes, Endpoint, ErrorAt, ErrorValue, Item, Location, MapRecord, Mapper, Merging, OnInvalid,
        Since, SinceFormat, SinceFrom, SyncDef, SyncRun,
    },
    error::{Error, ErrorKind, Result},
    model::{Children, Mapped, MappedBatch, Record},
    rng::Rng,
};

/// Record of the hostile API.
#[crate::model]
struct HostileItem {
    /// Id of the record.
    id: String,
    /// Number of changes.
    version: u64,
}

/// Part of a record of the hostile API.
#[crate::model]
struct HostilePart {
    /// Id of the part.
    id: String,
    /// Number of changes of its record.
    version: u64,
}

/// Second model of the sync, with a part of each record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// Only the records are saved.
    None,
    /// A part has the id of its record, and is saved with it.
    Saved,
    /// A part has the id and the version of its record, and replaces the part before it.
    Replaced,
}

fn item(raw: &str) -> Result<HostileItem> {
    let value: Value = serde_json::from_str(raw).map_err(|error| Error::new(ErrorKind::Decode, error))?;
    Ok(HostileItem { id: value["id"].to_string(), version: value["version"].as_u64().unwrap_or_default() })
}

fn map(raw: &str, batch: &mut MappedBatch) -> Result<()> {
    item(raw)?.put(&[0], batch)
}

fn map_with_part(raw: &str, batch: &mut MappedBatch) -> Result<()> {
    let item = item(raw)?;
    let part = HostilePart { id: item.id.clone(), version: item.version };
    (item, vec![part]).put(&[0, 1], batch)
}

fn map_with_children(raw: &str, batch: &mut MappedBatch) -> Result<()> {
    let item = item(raw)?;
    let part = HostilePart { id: format!("{}.{}", item.id, item.version), version: item.version };
    (Children::of(&item.id, [part]), item).put(&[1, 0], batch)
}

/// Declared errors: one without data, and one beside the data.
static ERRORS: [ErrorAt; 2] = [
    ErrorAt {
        path: Cow::Borrowed("ok"),
        is: Some(ErrorValue::Bool(false)),
        message: Some(Cow::Borrowed("reason")),
        partial: false,
        fatal: Cow::Borrowed(&[]),
    },
    ErrorAt { path: Cow::Borrowed("warning"), is: None, message: None, partial: true, fatal: Cow::Borrowed(&[]) },
];

/// Settings of one case.
#[derive(Debug, Clone)]
pub(super) struct CaseSettings {
    pub(super) style: Style,
    pub(super) order: Order,
    pub(super) size: usize,
    /// Probability of a change of each kind after each response, in percent.
    pub(super) change_percent: u64,
    pub(super) fault_percent: u64,
    pub(super) runs: u64,
    pub(super) since: Option<SinceFrom>,
    pub(super) request: Option<&'static ConfirmRequest>,
    pub(super) parts: Parts,
}

impl CaseSettings {
    pub(super) fn random(rng: &mut Rng) -> Self {
        let order =
            *rng.choose(&[Order::Append, Order::Append, Order::NewestFirst, Order::UpdatedLast, Order::UpdatedFirst]);
        let plain = rng.percent(40);
        Self {
            style: Style::random(rng, order.is_stable()),
            order,
            size: if plain { 100 } else { 20 + rng.index(60) },
            change_percent: *rng.choose(&[0, 5, 10, 10, 10, 30]),
            fault_percent: *rng.choose(&[0, 0, 3, 8]),
            runs: 4 + rng.below(5),
            since: *rng.choose(&[None, None, Some(SinceFrom::RunStart), Some(SinceFrom::Field("updated_at"))]),
            request: None,
            parts: *rng.choose(&[Parts::None, Parts::Saved, Parts::Replaced]),
        }
    }

    /// Returns the declaration of the sync.
    pub(super) fn sync(&self) -> Item {
        let mapper: &'static Mapper = Box::leak(Box::new(Mapper {
            endpoint: Endpoint::Fixed("/items"),
            request: crate::declare::ListRequest::GET,
            paginate: Some(self.style.paginate()),
            retries: 0,
            since: self.since.map(|from| Since {
                param: "since",
                format: SinceFormat::Unix,
                from,
                overlap: 0,
                full_every: None,
            }),
            errors: &ERRORS,
            on_invalid: OnInvalid::Fail,
            each: None,
            delta: None,
            map: MapRecord::Plain(match self.parts {
                Parts::None => map,
                Parts::Saved => map_with_part,
                Parts::Replaced => map_with_children,
            }),
        }));
        Item::Sync(Box::leak(Box::new(SyncDef {
            at: Location { file: "src/hostile.rs", line: 1, function: "" },
            integration: "acme",
            name: "hostile",
            description: "",
            version: "0.0.1",
            frequency: None,
            auto_start: false,
            track_deletes: true,
            deletes: Deletes { request: self.request, hold: 0, ..Deletes::standard() },
            merging: Merging::Newer,
            scopes: &[],
            models: match self.parts {
                Parts::None => &[HostileItem::RECORD],
                Parts::Saved | Parts::Replaced => &[HostileItem::RECORD, HostilePart::RECORD],
            },
            checkpoint: None,
            metadata: None,
            run: SyncRun::Mapper(mapper),
        })))
    }

    /// Returns whether no existing record may ever be a tombstone.
    pub(super) fn forbids_false_deletes(&self) -> bool {
        self.request.is_some()
            || (self.style.is_token() && self.order.is_stable())
            || self.style.carrier == PositionCarrier::Single
    }
}
