//! Traits of the values that functions exchange with the system.
//!
//! [`Data`] ⊃ [`Model`] ⊃ [`Record`]: any type with a schema, a named type, a type whose values have an id. `#[model]`
//! implements them; they are not meant to be implemented by hand. A record is converted to bytes in one place,
//! [`Batch`], and in one form, [`canonical`]: the bytes that are hashed are the bytes that are stored.
//!
//! A blanket implementation over the traits of serde and schemars has `do_not_recommend`, so that a type without
//! `#[model]` causes one readable error instead of three errors of these crates.

mod api_time;
mod batch;
pub(crate) mod canonical;
mod change;
mod checkpoint;
mod children;
mod id;
mod mapped;
mod mapped_batch;
mod mapped_tuple;
mod names;
mod patch;

use std::ops::Deref;

use crate::time::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use api_time::ApiTime;
pub use batch::Batch;
#[cfg(test)]
pub(crate) use batch::RecordFault;
pub(crate) use batch::{BatchItem, RecordError};
pub use change::Change;
pub use checkpoint::{Checkpoint, CheckpointValue, FlatValue};
pub use children::Children;
pub use id::{IntegerId, KeyOf, RecordId, TextId};
pub use mapped::{Mapped, OneModel, Returns, ReturnsNothing};
pub(crate) use mapped_batch::{MappedBatch, MappedLength, valid_parent};
pub use names::{ModelNames, NoModelNames, assert_no_message, joined, length, renamed_field};
pub use patch::{Fits, Patch, PatchOf};

/// Adds the JSON Schema of a type to a generator and returns a reference to it. Called only when schemas are exported.
pub(crate) type SchemaFn = fn(&mut schemars::SchemaGenerator) -> schemars::Schema;

/// Input and output of functions, payloads and metadata: every type with the traits of serde and a JSON Schema. That
/// are models, plain values, containers of these, and types of other crates that implement the three traits.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no schema",
    label = "not a model",
    note = "put `#[model]` on the definition of `{Self}`",
    note = "a type of another crate needs `Serialize`, `DeserializeOwned` and `schemars::JsonSchema`, often features \
            of its crate and of `schemars`; for a time use `nango_core::Timestamp`",
    note = "see docs/reference/attributes.md#model in the repository"
)]
pub trait Data: Serialize + DeserializeOwned + schemars::JsonSchema + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + schemars::JsonSchema + Send + 'static> Data for T {}

/// A data type with a name and a schema. Implemented by `#[model]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    label = "not a model",
    note = "put `#[model]` on the definition of `{Self}`",
    note = "see docs/reference/attributes.md#model in the repository"
)]
pub trait Model: Data {
    /// Name in schemas, in the cache and on the wire.
    const NAME: &'static str;
    /// Name and schema of the model, for descriptors.
    const INFO: &'static ModelInfo;
    /// Rust names and JSON names of the fields that serde renames.
    #[doc(hidden)]
    const RENAMED: names::FieldNames = &[];
}

/// A model with an id, whose values are records of a sync.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be synced: it has no `id`",
    label = "a synced model needs an `id`",
    note = "put `#[model]` on `{Self}` and give it a field `id` of type `String`, `Uuid` or an integer, \
            or name its key with `#[model(id = \"field\")]`",
    note = "an enum has no fields and is no record: put it into a struct with an `id`",
    note = "see docs/reference/attributes.md#model in the repository"
)]
pub trait Record: Model + AsRecord<Model = Self> {
    /// Description of the model, reached through the bound that descriptors need.
    #[doc(hidden)]
    const RECORD: &'static ModelInfo = Self::INFO;
    /// Type of the key.
    type Id: RecordId;
    /// Returns the key of this record.
    fn id(&self) -> &Self::Id;
    /// JSON name of the field that `#[model(updated = "field")]` declares.
    #[doc(hidden)]
    const UPDATED: Option<&'static str> = None;
    /// Returns the time in that field in microseconds since 1970 (UTC); `None` if it is absent or cannot be read.
    #[doc(hidden)]
    fn updated_micros(&self) -> Option<i64> {
        None
    }
}

/// A record, by value or by reference.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a record",
    label = "neither a record nor a reference to one",
    note = "a record is a `#[model]` struct with a field `id`, or with `#[model(id = \"field\")]`",
    note = "a `#[patch(of = YourModel)]` struct is written by `batch_update`",
    note = "see docs/reference/attributes.md#model in the repository"
)]
pub trait AsRecord {
    /// Model of the record.
    type Model: Record;
    /// Returns the record itself.
    fn record(&self) -> &Self::Model;
}

#[diagnostic::do_not_recommend]
impl<R: AsRecord> AsRecord for &R {
    type Model = R::Model;

    fn record(&self) -> &R::Model {
        (*self).record()
    }
}

/// Name and schema of a model, for descriptors.
#[derive(Debug)]
pub struct ModelInfo {
    /// Name in schemas, in the cache and on the wire.
    pub name: &'static str,
    /// JSON Schema of the model.
    pub schema: SchemaFn,
    /// Rust type, which distinguishes two models with the same name.
    pub type_name: fn() -> &'static str,
}

impl ModelInfo {
    /// Returns the JSON names of the model's fields. `None` if its schema allows other fields, or does not describe a
    /// plain struct.
    pub fn fields(&self) -> Option<Vec<String>> {
        let mut generator = schemars::SchemaGenerator::default();
        let mut schema = (self.schema)(&mut generator).to_value();
        if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
            schema = generator.take_definitions(true).remove(name)?;
        }
        let open = schema.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false));
        let properties = schema.get("properties")?.as_object()?;
        (!open).then(|| properties.keys().cloned().collect())
    }
}

/// A record of the cache: the model, and the times that the cache stores with it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stored<M> {
    record: M,
    /// Time at which the record first entered the cache.
    pub first_seen_at: Timestamp,
    /// Time of its last change.
    pub last_modified_at: Timestamp,
    /// Time at which it was deleted; `None` for an active record.
    pub deleted_at: Option<Timestamp>,
}

impl<M> Stored<M> {
    /// Creates a record with its times.
    pub fn new(
        record: M,
        first_seen_at: Timestamp,
        last_modified_at: Timestamp,
        deleted_at: Option<Timestamp>,
    ) -> Self {
        Self { record, first_seen_at, last_modified_at, deleted_at }
    }

    /// Returns the model without the times.
    pub fn into_inner(self) -> M {
        self.record
    }
}

impl<M> Deref for Stored<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.record
    }
}
