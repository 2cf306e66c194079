//! Capabilities of a function, as traits on its marker type.
//!
//! Each annotated function has a hidden marker type, which is a parameter of its handle: `NangoSync<marker>`. The
//! methods of the handle require capabilities of the marker, so that the use of something undeclared does not compile,
//! with an error that names the function and the type.

use super::{ActionDef, SyncDef};
use crate::model::{Checkpoint, Data, OneModel, Record};

/// The sync may write records of the model `M`.
///
/// A function that takes the handle of any sync of a model has it as its bound:
///
/// ```
/// use nango_core::prelude::*;
///
/// #[model]
/// pub struct Item {
///     pub id: u64,
/// }
///
/// async fn save_page(nango: &NangoSync<impl Saves<Item>>, page: u32) -> Result<()> {
///     let items: Vec<Item> = nango.get("/items").query("page", page).json().await?;
///     nango.batch_save(&items).await?;
///     Ok(())
/// }
///
/// #[sync(model = "Item", integration = "shop")]
/// async fn items(nango: NangoSync) -> Result<()> {
///     save_page(&nango, 1).await
/// }
/// ```
///
/// Other bounds are added with `+`: `&NangoSync<impl Saves<Item> + HasCheckpoint<Checkpoint = Position>>`. A function
/// that only sends requests takes `&Nango`, to which every handle derefs.
#[diagnostic::on_unimplemented(
    message = "sync `{Self}` does not declare the model `{M}`",
    label = "`{M}` is not declared by `{Self}`",
    note = "declare it: `#[sync(model = \"{M}\", ...)]`, or several with `models(\"...\", \"{M}\")`",
    note = "in a helper function, write the bound: `nango: &NangoSync<impl Saves<{M}>>`",
    note = "see docs/reference/attributes.md#sync in the repository"
)]
pub trait Saves<M: ?Sized> {
    /// Index of the model in the declaration of the sync.
    #[doc(hidden)]
    const INDEX: usize = 0;
}

/// Models of a mapper's return type, all of which the sync `S` declares.
#[doc(hidden)]
pub trait SavedBy<S> {
    /// Index of each model in the declaration of the sync.
    const INDICES: &'static [usize];
}

impl<S: Saves<M>, M: Record> SavedBy<S> for OneModel<M> {
    const INDICES: &'static [usize] = &[<S as Saves<M>>::INDEX];
}

macro_rules! saved_by {
    ($($model:ident)+) => {
        impl<S: $(Saves<$model> +)+, $($model: Record),+> SavedBy<S> for ($($model,)+) {
            const INDICES: &'static [usize] = &[$(<S as Saves<$model>>::INDEX),+];
        }
    };
}
saved_by!(A B);
saved_by!(A B C);
saved_by!(A B C D);
saved_by!(A B C D E);
saved_by!(A B C D E F);
saved_by!(A B C D E F G);
saved_by!(A B C D E F G H);

/// [`Saves`] for methods that find the model in their argument.
///
/// [`NoModel`] makes several candidates of each sync. With a single one, the compiler would infer the model before it
/// has read the argument, and a record of another model would be reported as a mismatch of types.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "sync `{Self}` does not declare the model `{M}`",
    label = "`{M}` is not declared by `{Self}`",
    note = "declare it: `#[sync(model = \"{M}\", ...)]`, or several with `models(\"...\", \"{M}\")`",
    note = "in a helper function, write the bound: `nango: &NangoSync<impl Saves<{M}>>`",
    note = "see docs/reference/attributes.md#sync in the repository"
)]
pub trait SavesGiven<M: ?Sized> {}

impl<S: Saves<M>, M: Record> SavesGiven<M> for S {}

#[doc(hidden)]
#[derive(Debug)]
pub enum NoModel<const N: u8> {}

#[diagnostic::do_not_recommend]
impl<S> SavesGiven<NoModel<0>> for S {}

#[diagnostic::do_not_recommend]
impl<S> SavesGiven<NoModel<1>> for S {}

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
    type Metadata;
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
    type Input;
    /// Type of the returned value.
    type Output: Data;
    /// Descriptor of the action.
    const DEF: &'static ActionDef;
}

/// The sync has a webhook handler. A second handler of the same sync is a conflicting implementation.
pub trait HasWebhook: SyncMarker {}
