//! Common imports of files with integrations: `use nango_core::prelude::*;`.

pub use crate::declare::{Paginate, Pagination};
pub use crate::error::{ActionError, Error, Result};
pub use crate::model::{Patch, Stored};
pub use crate::nango::{Nango, NangoAction, NangoSync};
pub use nango_macros::{action, checkpoint, model, on_event, on_webhook, patch, path, sync};
pub use serde_json::{Value, json};
