//! Common imports of files with integrations: `use nango_core::prelude::*;`.
//!
//! `Deserialize` and `Serialize` are the traits and the derives of serde, for types that are not models, such as what
//! an API returns. The derives require the dependency `serde`, or `#[serde(crate = "nango_core::serde")]`.

#[doc(inline)]
pub use crate::{
    bail,
    declare::{ErrorAt, Paginate, Pagination, Saves},
    ensure,
    error::{ActionError, Context, Error, Result},
    model::{Change, Children, Patch, Stored},
    nango::{Nango, NangoAction, NangoSync},
    time::Timestamp,
};
pub use nango_macros::{action, checkpoint, model, on_event, on_webhook, patch, path, sync};
pub use serde::{Deserialize, Serialize};
pub use serde_json::{Value, json};
