//! What annotated functions may return.

use serde_json::Value;

use super::{Batch, Data, Record};
use crate::error::{Error, Result};

/// What a mapper may return: `M`, `Option<M>`, `Vec<M>` or a `Result` of these.
#[diagnostic::on_unimplemented(
    message = "a mapper returns `Model`, `Option<Model>`, `Vec<Model>` or a `Result` of these, not `{Self}`",
    label = "not a synced model"
)]
pub trait Mapped {
    /// The model that is saved.
    type Model: Record;
    /// Writes the records into a batch.
    #[doc(hidden)]
    fn put(self, batch: &mut Batch) -> Result<()>;
}

impl<M: Record> Mapped for M {
    type Model = M;

    fn put(self, batch: &mut Batch) -> Result<()> {
        // The walk knows the place of the raw record; that of the mapped one would only confuse.
        batch.push(&self).map_err(|error| Error::new(crate::ErrorKind::Record, error.fault))
    }
}

impl<M: Record> Mapped for Option<M> {
    type Model = M;

    fn put(self, batch: &mut Batch) -> Result<()> {
        self.into_iter().try_for_each(|record| record.put(batch))
    }
}

impl<M: Record> Mapped for Vec<M> {
    type Model = M;

    fn put(self, batch: &mut Batch) -> Result<()> {
        self.into_iter().try_for_each(|record| record.put(batch))
    }
}

impl<T: Mapped, E: Into<Error>> Mapped for Result<T, E> {
    type Model = T::Model;

    fn put(self, batch: &mut Batch) -> Result<()> {
        self.map_err(Into::into)?.put(batch)
    }
}

/// What an annotated async function may return: a `Result` whose value has a schema.
#[diagnostic::on_unimplemented(
    message = "an annotated function returns `nango_core::Result<T>`, not `{Self}`",
    label = "expected `Result<T>`"
)]
pub trait Returns {
    /// The value's type.
    type Ok: Data;
    /// The value as JSON.
    #[doc(hidden)]
    fn json(self) -> Result<Value>;
}

impl<T: Data> Returns for Result<T, Error> {
    type Ok = T;

    fn json(self) -> Result<Value> {
        Ok(serde_json::to_value(self?)?)
    }
}
