//! Partial records, which `batch_update` merges into stored records.
//!
//! A `#[patch(of = Model)]` struct contains the fields that may change. A field that is `None` is unchanged; a field
//! that must be settable to `null` is a [`Patch`]. The attribute checks each field against the model through [`Fits`]
//! at compile time.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Record;

/// A struct with changes to a model, or a reference to one. Implemented by `#[patch(of = Model)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a patch",
    label = "not a patch",
    note = "put `#[patch(of = YourModel)]` on the definition of `{Self}`; a whole record is written by `batch_save`",
    note = "see docs/reference/attributes.md#patch in the repository"
)]
pub trait PatchOf: Serialize {
    /// Model of the record to change.
    type Model: Record;
    /// Returns the key of the record to change.
    fn id(&self) -> &<Self::Model as Record>::Id;
}

#[diagnostic::do_not_recommend]
impl<P: PatchOf> PatchOf for &P {
    type Model = P::Model;

    fn id(&self) -> &<P::Model as Record>::Id {
        (*self).id()
    }
}

/// A field of a patch that can also be set to `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// The stored value is unchanged.
    #[default]
    Keep,
    /// The stored value becomes `null`.
    Null,
    /// The stored value becomes this one.
    Set(T),
}

impl<T> Patch<T> {
    /// Creates a change to `null`.
    pub const fn null() -> Self {
        Self::Null
    }

    /// Creates a change to `value`.
    pub const fn set(value: T) -> Self {
        Self::Set(value)
    }

    /// Returns whether the stored value is unchanged; `#[patch]` skips such a field.
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

/// Implemented if a patch's value of type `Self` can be written to a field of type `F`.
#[diagnostic::on_unimplemented(
    message = "a patch of type `{Self}` does not fit the model's field of type `{F}`",
    label = "the model's field is `{F}`",
    note = "see docs/reference/attributes.md#patch in the repository"
)]
pub trait Fits<F> {}
impl<T> Fits<T> for T {}
impl<T> Fits<Option<T>> for T {}
