//! Checks at compile time of the types that a declaration uses. They have no effect at run time.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    declare::{MapRecord, SavedBy},
    model::{CheckpointValue, Fits, Mapped},
};

/// Type that may be a field of a model. The derives of `#[model]` need its traits.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a model",
    label = "not a model",
    note = "put `#[model]` on the definition of `{Self}`",
    note = "a type of another crate needs `Debug`, `Clone`, `PartialEq`, `Serialize`, `DeserializeOwned` and \
            `schemars::JsonSchema`, often features of its crate and of `schemars`; for a time use \
            `nango_core::Timestamp`",
    note = "see docs/reference/attributes.md#model in the repository"
)]
pub trait Field {}

#[diagnostic::do_not_recommend]
impl<T> Field for T where
    T: std::fmt::Debug + Clone + PartialEq + serde::Serialize + DeserializeOwned + schemars::JsonSchema
{
}

/// Asserts that `T` may be a field of a model. It is the length of an array, so that an error makes the type of the
/// field unknown.
pub const fn field<T: Field>() -> usize {
    0
}

/// Type of the elements of an array.
pub trait Elem {
    type T;
}

impl<T, const N: usize> Elem for [T; N] {
    type T = T;
}

/// Asserts that `T` may be a field of a checkpoint.
pub const fn flat<T: CheckpointValue>() {}

/// Asserts that `T` may be written to a field of type `F`.
pub const fn fits<T: Fits<F>, F>(_field: &F) {}

/// Asserts that `T` and `null` may be written to a field of type `F`.
pub const fn fits_nullable<T: Fits<F::Value>, F: Nullable>(_field: &F) {}

/// Type of a field that can be `null`.
#[diagnostic::on_unimplemented(
    message = "the model's field is `{Self}`, which cannot be null",
    label = "write `Option` in place of `Patch`",
    note = "see docs/reference/attributes.md#patch in the repository"
)]
pub trait Nullable {
    type Value;
}

impl<T> Nullable for Option<T> {
    type Value = T;
}

impl Nullable for Value {
    type Value = Self;
}

/// Returns the function of a mapper of several models, and checks that its return type has a part for each of them. It
/// is evaluated at compile time.
pub const fn map_of_models<S, O>(models: usize, map: MapRecord) -> MapRecord
where
    O: Mapped,
    O::Models: SavedBy<S>,
{
    let parts = O::Models::INDICES;
    assert!(
        parts.len() > 1,
        "a mapper of several models returns a tuple with a part for each of them, such as `(Order, Vec<Line>)`"
    );
    let mut i = 0;
    while i < parts.len() {
        let mut j = 0;
        while j < i {
            assert!(
                parts[i] != parts[j],
                "two parts of the returned tuple have the same model: return its records in one part, a `Vec<Model>`"
            );
            j += 1;
        }
        i += 1;
    }
    assert!(
        parts.len() == models,
        "the returned tuple has no part of a declared model: add a part for it, such as `Vec<Model>`, or remove the \
         model from `models(…)`"
    );
    map
}
