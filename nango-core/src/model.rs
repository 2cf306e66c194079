//! What a value must be to enter the system.
//!
//! [`Data`] ⊂ [`Model`] ⊂ [`Record`]: anything with a schema, a named type, a type whose values have an id. `#[model]`
//! implements them; nobody writes these impls by hand. A record becomes bytes in one place, [`Batch`], and in one form,
//! [`canonical`]: what is hashed is what is stored.
//!
//! Must stay true: the traits are not blanket impls over serde's, so that a type without `#[model]` gets one readable
//! error in place of three of serde and schemars.

mod api_time;
mod batch;
pub mod canonical;
mod checkpoint;
mod id;
mod mapped;
mod patch;

use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasher,
    ops::Deref,
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use api_time::ApiTime;
pub use batch::{Batch, BatchItem, RecordError, RecordFault};
pub use checkpoint::{Checkpoint, CheckpointValue};
pub use id::{ID_MAX_BYTES, IdError, KeyOf, RecordId, check_id};
pub use mapped::{Mapped, Returns};
pub use patch::{Fits, Patch, PatchOf};

/// Writes a type's JSON Schema and gives a reference to it. Runs only when schemas are exported.
pub type SchemaFn = fn(&mut schemars::SchemaGenerator) -> schemars::Schema;

/// What goes in and out of functions: models, and plain values, lists, options and maps of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no schema",
    label = "not a model",
    note = "put `#[model]` on the definition of `{Self}`"
)]
pub trait Data: Serialize + DeserializeOwned + schemars::JsonSchema + Send + 'static {}

macro_rules! data {
    ($($t:ty)*) => { $(impl Data for $t {})* }
}
data!(() bool String u8 u16 u32 u64 i8 i16 i32 i64 usize isize f32 f64 Value);
impl<T: Data> Data for Vec<T> {}
impl<T: Data> Data for Option<T> {}
impl<T: Data> Data for BTreeMap<String, T> {}
impl<T: Data, S: BuildHasher + Default + Send + 'static> Data for HashMap<String, T, S> {}

/// A data type with a name and a schema. Implemented by `#[model]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    label = "not a model",
    note = "put `#[model]` on the definition of `{Self}`"
)]
pub trait Model: Data {
    /// The name in schemas, in the cache and on the wire.
    const NAME: &'static str;
    /// Name and schema, for descriptors.
    const INFO: &'static ModelInfo;
}

/// A model whose values are records of a sync: it has an id.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be synced: it has no `id`",
    label = "a synced model needs an `id`",
    note = "put `#[model]` on `{Self}` and give it a field `id` of type `String` or an integer, or name its key with `#[model(id = \"field\")]`"
)]
pub trait Record: Model {
    /// The model's description, reached through the bound that descriptors need.
    #[doc(hidden)]
    const RECORD: &'static ModelInfo = Self::INFO;
    /// The type of the key.
    type Id: RecordId;
    /// The key of this record.
    fn id(&self) -> &Self::Id;
    /// The name in JSON of the field that `#[model(updated = "field")]` names.
    #[doc(hidden)]
    const UPDATED: Option<&'static str> = None;
    /// The time in that field, microseconds since 1970 (UTC); `None` if there is none or it cannot be read.
    #[doc(hidden)]
    fn updated_micros(&self) -> Option<i64> {
        None
    }
}

/// What a descriptor knows of a model.
#[derive(Debug)]
pub struct ModelInfo {
    /// The name in schemas, in the cache and on the wire.
    pub name: &'static str,
    /// Its JSON Schema.
    pub schema: SchemaFn,
    /// The Rust type, which tells two models of one name apart.
    pub type_name: fn() -> &'static str,
}

impl ModelInfo {
    /// The names of its fields in JSON; `None` if its schema allows others, or is not that of a plain struct.
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

/// A record of the cache: the model, and what the cache knows of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stored<M> {
    record: M,
    /// When the record first entered the cache, microseconds since 1970 (UTC).
    pub first_seen_at: i64,
    /// When it last changed, microseconds since 1970 (UTC).
    pub last_modified_at: i64,
    /// When it was deleted, if it was.
    pub deleted_at: Option<i64>,
}

impl<M> Stored<M> {
    /// A record with its stamps.
    pub fn new(record: M, first_seen_at: i64, last_modified_at: i64, deleted_at: Option<i64>) -> Self {
        Self { record, first_seen_at, last_modified_at, deleted_at }
    }

    /// The model alone.
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
