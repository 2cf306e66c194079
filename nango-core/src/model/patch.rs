//! Partial records: what `batch_update` merges into stored ones.
//!
//! A `#[patch(of = Model)]` struct names the fields that may change. `None` is not sent; a field that must be settable
//! to `null` is a [`Patch`]. The attribute checks every field against the model through [`Fits`], when compiled.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Data, Record};

/// A struct of changes to a model. Implemented by `#[patch(of = Model)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a patch",
    label = "not a patch",
    note = "put `#[patch(of = YourModel)]` on the definition of `{Self}`"
)]
pub trait PatchOf: Data {
    /// The model that is changed.
    type Model: Record;
    /// The key of the record that is changed.
    fn id(&self) -> &<Self::Model as Record>::Id;
}

/// A field of a patch that can also be set to `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// Not sent: the stored value stays.
    #[default]
    Keep,
    /// The stored value becomes `null`.
    Null,
    /// The stored value becomes this one.
    Set(T),
}

impl<T> Patch<T> {
    /// A change to `null`.
    pub const fn null() -> Self {
        Self::Null
    }

    /// A change to `value`.
    pub const fn set(value: T) -> Self {
        Self::Set(value)
    }

    /// Whether the stored value stays; `#[patch]` skips such a field.
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

impl<T> From<T> for Patch<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}

impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Keep | Self::Null => serializer.serialize_none(),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Set))
    }
}

impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Nullable_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        <Option<T>>::json_schema(generator)
    }
}

/// `Self`, the type of a patch's value, may be written to a field of type `F`.
#[diagnostic::on_unimplemented(
    message = "a patch of type `{Self}` does not fit the model's field of type `{F}`",
    label = "the model's field is `{F}`"
)]
pub trait Fits<F> {}
impl<T> Fits<T> for T {}
impl<T> Fits<Option<T>> for T {}
