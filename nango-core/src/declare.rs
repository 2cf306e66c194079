//! Descriptors of annotated functions, and the registry that collects them.
//!
//! Descriptors are `static` data: names, schemas and function pointers, so that registration costs nothing at startup
//! and no code runs before it is needed. The runtime depends on the descriptors, not vice versa: a function receives
//! its context as a type-erased [`Handle`].

mod capability;
mod def;
mod deletes;
mod error_at;
mod list_request;
mod paginate;
mod path;
mod registry;
mod value_type;

pub use capability::{ActionMarker, HasCheckpoint, HasMetadata, HasWebhook, NoModel, Saves, SavesGiven, SyncMarker};
pub(crate) use def::Handle;
pub use def::{
    ActionDef, BoxFuture, Endpoint, Event, EventDef, Item, Location, MapRecord, Mapper, Merging, OnInvalid,
    SharedMetadata, Since, SinceFormat, SinceFrom, SyncDef, SyncRun, WebhookDef, integration_of,
};
pub use deletes::{ConfirmField, ConfirmRequest, Deletes};
pub use error_at::{ErrorAt, ErrorValue};
pub use list_request::{ListMethod, ListRequest, RequestValue, RequestValues, method_of, method_with_body_of, path_of};
pub use nango_grammar::Frequency;
pub(crate) use nango_grammar::suggest;
pub use paginate::{OffsetBy, Paginate, PaginateKind, Pagination};
pub(crate) use path::fill;
pub use path::{EndpointPath, IntoEndpoint, PathValue};
pub use registry::{Entry, FunctionKind, Registry};
pub use value_type::ValueType;
