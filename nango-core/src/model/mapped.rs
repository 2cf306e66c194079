//! Return types of annotated functions, as traits, so that a wrong type is one readable compile error.

use std::marker::PhantomData;

use serde_json::Value;

use super::{Change, Children, Data, MappedBatch, Record};
use crate::error::{Error, Result};

/// Return type of a mapper: `M`, `Option<M>`, `Vec<M>`, `Change<M>`, `Vec<Change<M>>`, `Children<M>`,
/// `Option<Children<M>>`, a tuple of 2 to 8 of these with different models, or a `Result` of one of all these.
#[diagnostic::on_unimplemented(
    message = "a mapper returns `Model`, `Option<Model>`, `Vec<Model>`, `Change<Model>`, `Vec<Change<Model>>`, \
               `Children<Model>`, a tuple of these with several models, or a `Result`, not `{Self}`",
    label = "not a synced model",
    note = "the error of a `Result` converts to `nango_core::Error`, as every type with `std::error::Error` does; a \
            `String` does not: write `Result<Model>` and `Error::msg(text)` or `bail!(\"text\")`",
    note = "see docs/reference/attributes.md#sync in the repository"
)]
pub trait Mapped {
    /// Model of the saved records; for a tuple, the tuple of the models of its parts.
    type Model;
    /// Type that the sync must save: [`OneModel`], or the tuple of models.
    #[doc(hidden)]
    type Models;
    /// Appends the results to a batch. `models` contains the index of the model of each part in the declaration.
    #[doc(hidden)]
    fn put(self, models: &[usize], batch: &mut MappedBatch) -> Result<()>;
}

/// Model of a return type with a single one. Unlike the model itself, it is never a tuple, so that an error names the
/// model.
#[doc(hidden)]
#[derive(Debug)]
pub struct OneModel<M>(PhantomData<fn() -> M>);

impl<M: Record> Mapped for M {
    type Model = M;
    type Models = OneModel<M>;

    fn put(self, _: &[usize], batch: &mut MappedBatch) -> Result<()> {
        batch.save(&self)
    }
}

impl<M: Record> Mapped for Option<M> {
    type Model = M;
    type Models = OneModel<M>;

    fn put(self, _: &[usize], batch: &mut MappedBatch) -> Result<()> {
        self.into_iter().try_for_each(|record| batch.save(&record))
    }
}

impl<M: Record> Mapped for Vec<M> {
    type Model = M;
    type Models = OneModel<M>;

    fn put(self, _: &[usize], batch: &mut MappedBatch) -> Result<()> {
        self.into_iter().try_for_each(|record| batch.save(&record))
    }
}

impl<M: Record> Mapped for Change<M> {
    type Model = M;
    type Models = OneModel<M>;

    fn put(self, _: &[usize], batch: &mut MappedBatch) -> Result<()> {
        batch.add(self)
    }
}

impl<M: Record> Mapped for Vec<Change<M>> {
    type Model = M;
    type Models = OneModel<M>;

    fn put(self, _: &[usize], batch: &mut MappedBatch) -> Result<()> {
        self.into_iter().try_for_each(|change| batch.add(change))
    }
}

impl<M: Record> Mapped for Children<M> {
    type Model = M;
    type Models = OneModel<M>;

    fn put(self, _: &[usize], batch: &mut MappedBatch) -> Result<()> {
        batch.replace(self)
    }
}

impl<M: Record> Mapped for Option<Children<M>> {
    type Model = M;
    type Models = OneModel<M>;

    fn put(self, _: &[usize], batch: &mut MappedBatch) -> Result<()> {
        self.into_iter().try_for_each(|children| batch.replace(children))
    }
}

impl<T: Mapped, E: Into<Error>> Mapped for Result<T, E> {
    type Model = T::Model;
    type Models = T::Models;

    fn put(self, models: &[usize], batch: &mut MappedBatch) -> Result<()> {
        self.map_err(Into::into)?.put(models, batch)
    }
}

/// Return type of an annotated async function: a `Result` whose value has a schema.
#[diagnostic::on_unimplemented(
    message = "an annotated function returns `nango_core::Result<T>`, not `{Self}`",
    label = "expected `nango_core::Result<T>`",
    note = "`?` converts every type with `std::error::Error` to `nango_core::Error`; `anyhow::Error` and `Box<dyn \
            Error>` have no such conversion: write `.map_err(|error| Error::msg(error.to_string()))?`",
    note = "see docs/first-integration.md#an-action in the repository"
)]
pub trait Returns {
    /// Type of the returned value.
    type Ok: Data;
    /// Converts the returned value to JSON.
    #[doc(hidden)]
    fn json(self) -> Result<Value>;
}

impl<T: Data, E> Returns for Result<T, E>
where
    Error: From<E>,
{
    type Ok = T;

    fn json(self) -> Result<Value> {
        Ok(serde_json::to_value(self?)?)
    }
}

/// Return type of an annotated async function without a value.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the annotated function returns `nango_core::Result<()>`, not `{Self}`",
    label = "expected `nango_core::Result<()>`",
    note = "`?` converts every type with `std::error::Error` to `nango_core::Error`; `anyhow::Error` and `Box<dyn \
            Error>` have no such conversion: write `.map_err(|error| Error::msg(error.to_string()))?`",
    note = "see docs/first-integration.md#a-sync in the repository"
)]
pub trait ReturnsNothing {
    /// Converts the error of the result.
    fn result(self) -> Result<()>;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Error>> ReturnsNothing for Result<(), E> {
    fn result(self) -> Result<()> {
        self.map_err(Into::into)
    }
}
