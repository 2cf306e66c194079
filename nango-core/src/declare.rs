//! Descriptors of annotated functions, and the registry that collects them.
//!
//! Descriptors are `static` data: names, schemas and function pointers, so that registration costs nothing at startup
//! and no code runs before it is needed. The runtime depends on the descriptors, not vice versa: a function receives
//! its context as a type-erased [`Handle`].

mod capability;
mod def;
mod deletes;
mod dots;
mod flag_names;
mod frequency;
mod paginate;
mod path;
mod registry;
pub mod suggest;

pub use capability::{ActionMarker, HasCheckpoint, HasMetadata, HasWebhook, NoModel, Saves, SyncMarker};
pub use def::{
    ActionDef, BoxFuture, Endpoint, Event, EventDef, Handle, Item, Location, MapRecord, Mapper, Merging, OnInvalid,
    Since, SinceFormat, SinceFrom, SyncDef, SyncRun, WebhookDef, integration_of,
};
pub use deletes::{ConfirmField, ConfirmRequest, Deletes, MetadataValues};
pub(crate) use dots::dot_segment;
#[doc(hidden)]
pub use flag_names::{names_last_page_flag, names_more_flag};
pub(crate) use frequency::seconds as interval_seconds;
pub use frequency::{Frequency, FrequencyError};
pub use paginate::{OffsetBy, Paginate, PaginateKind, Pagination};
pub use path::{EndpointPath, IntoEndpoint, PathValue};
pub(crate) use path::{fill, push_encoded};
pub(crate) use registry::integration_key;
pub use registry::{Entry, FunctionKind, LoadError, Registry};
