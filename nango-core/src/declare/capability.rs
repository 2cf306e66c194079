//! Capabilities of a function, as traits on its marker type.
//!
//! Each annotated function has a hidden marker type, which is a parameter of its handle: `NangoSync<marker>`. The
//! methods of the handle require capabilities of the marker, so that the use of something undeclared does not compile,
//! with an error that names the function and the type.

use super::{ActionDef, SyncDef};
use crate::model::{Checkpoint, Data};

/// The sync may write records of the model `M`.
#[diagnostic::on_unimplemented(
    message = "sync `{Self}` does not declare the model `{M}`",
    label = "`{M}` is not declared by `{Self}`",
    note = "declare it: `#[sync(model = \"{M}\", ...)]`, or several with `models(\"...\", \"{M}\")`",
    note = "see docs/reference/attributes.md#sync in the repository"
)]
pub trait Saves<M: ?Sized> {}

/// Implemented as [`Saves`] by every sync. With a single candidate, the compiler would infer the model from it, and a
/// wrong model would be reported as a type mismatch elsewhere instead of by the message above.
#[doc(hidden)]
#[derive(Debug)]
pub enum NoModel {}

/// The function declares a checkpoint type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` declares no checkpoint",
    label = "no checkpoint type",
    note = "declare it: `#[sync(checkpoint = YourType, ...)]` (or the same on `#[action]`)",
    note = "see docs/reference/attributes.md#checkpoint in the repository"
)]
pub trait HasCheckpoint {
    /// Type of the state that is stored between runs.
    type Checkpoint: Checkpoint;
}

/// The function declares the type of its connection's metadata.
#[diagnostic::on_unimplemented(
    message = "`{Self}` declares no metadata",
    label = "no metadata type",
    note = "declare it: `metadata = YourType` in the attribute of `{Self}`",
    note = "see docs/first-integration.md#a-sync in the repository"
)]
pub trait HasMetadata {
    /// Type of the metadata.
    type Metadata: Data;
}

/// The marker of a `#[sync]` function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a sync",
    label = "not a `#[sync]` function",
    note = "see docs/reference/attributes.md#sync in the repository"
)]
pub trait SyncMarker: 'static {
    /// Descriptor of the sync.
    const DEF: &'static SyncDef;
}

/// The marker of an `#[action]` function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an action",
    label = "not an `#[action]` function",
    note = "see docs/reference/attributes.md#action in the repository"
)]
pub trait ActionMarker: 'static {
    /// Type of the input; `()` for an action without parameters.
    type Input: Data;
    /// Type of the returned value.
    type Output: Data;
    /// Descriptor of the action.
    const DEF: &'static ActionDef;
}

/// The sync has a webhook handler. A second handler of the same sync is a conflicting implementation.
pub trait HasWebhook: SyncMarker {}
