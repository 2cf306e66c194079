//! Descriptors of annotated functions, and the registry that collects them.
//!
//! Descriptors are `static` data: names, schemas and function pointers, so that registration costs nothing at startup
//! and no code runs before it is needed. The runtime depends on the descriptors, not vice versa: a function receives
//! its context as a type-erased [`Handle`].

mod call;
mod capability;
mod def;
mod deletes;
mod delta;
mod each;
mod error_at;
mod list_request;
mod mapper;
mod paginate;
mod path;
mod registry;
mod shared;
mod value_type;

pub use call::BoxFuture;
pub(crate) use call::Handle;
pub use capability::{
    ActionMarker, HasCheckpoint, HasMetadata, HasWebhook, NoModel, SavedBy, Saves, SavesGiven, SyncMarker,
};
pub use def::{ActionDef, Event, EventDef, Item, Location, Merging, SyncDef, SyncRun, WebhookDef, integration_of};
pub use deletes::{ConfirmField, ConfirmRequest, Deletes};
pub use delta::{Delta, DeltaPosition, InitialValues};
pub(crate) use each::AddEachValues;
pub use each::{Each, EachRequest, EachScope, OnParentError, ParentElement, ParentSource};
pub use error_at::{ErrorAt, ErrorValue};
pub use list_request::{ListMethod, ListRequest, RequestValue, RequestValues, method_of, method_with_body_of, path_of};
pub use mapper::{Endpoint, MapRecord, Mapper, OnInvalid, Since, SinceFormat, SinceFrom};
pub use nango_grammar::Frequency;
pub(crate) use nango_grammar::suggest;
pub use paginate::{OffsetBy, Paginate, PaginateKind, Pagination};
pub(crate) use path::fill;
pub use path::{EndpointPath, IntoEndpoint, PathValue};
pub use registry::{Entry, FunctionKind, Registry};
pub use shared::{SharedMetadata, SharedParent};
pub use value_type::ValueType;
