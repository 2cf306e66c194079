//! What a function declares, as traits on its marker type.
//!
//! Each annotated function has a hidden marker, and its handle carries it: `NangoSync<marker>`. A method of the handle
//! asks for a capability of the marker, so what the attribute did not declare does not compile, and the message names
//! the function and the type.

use super::{ActionDef, SyncDef};
use crate::model::{Checkpoint, Data};

/// The sync may write records of the model `M`.
#[diagnostic::on_unimplemented(
    message = "sync `{Self}` does not declare the model `{M}`",
    label = "`{M}` is not declared by `{Self}`",
    note = "declare it: `#[sync(model = \"{M}\", ...)]`, or several with `models(\"...\", \"{M}\")`"
)]
pub trait Saves<M: ?Sized> {}

/// Every sync also "saves" this. With only one candidate the compiler would fix the model by inference, and a wrong
/// one would be a type mismatch somewhere else instead of the message above.
#[doc(hidden)]
#[derive(Debug)]
pub enum NoModel {}

/// The function declares a checkpoint type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` declares no checkpoint",
    label = "no checkpoint type",
    note = "declare it: `#[sync(checkpoint = YourType, ...)]` (or the same on `#[action]`)"
)]
pub trait HasCheckpoint {
    /// The type that is stored between runs.
    type Checkpoint: Checkpoint;
}

/// The function declares the type of its connection's metadata.
#[diagnostic::on_unimplemented(
    message = "`{Self}` declares no metadata",
    label = "no metadata type",
    note = "declare it: `metadata = YourType` in the attribute of `{Self}`"
)]
pub trait HasMetadata {
    /// The shape of the metadata.
    type Metadata: Data;
}

/// The marker of a `#[sync]` function.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a sync", label = "not a `#[sync]` function")]
pub trait SyncMarker: 'static {
    /// Its descriptor.
    const DEF: &'static SyncDef;
}

/// The marker of an `#[action]` function.
#[diagnostic::on_unimplemented(message = "`{Self}` is not an action", label = "not an `#[action]` function")]
pub trait ActionMarker: 'static {
    /// What it takes; `()` without a parameter.
    type Input: Data;
    /// What it gives.
    type Output: Data;
    /// Its descriptor.
    const DEF: &'static ActionDef;
}

/// The sync has a webhook handler: at most one, since a second is a conflicting implementation.
pub trait HasWebhook: SyncMarker {}
