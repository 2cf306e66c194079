//! `each = …`: the parents of a mapper, each of which has a list of its own.

use serde_json::Value;

use super::{RequestValues, SharedMetadata, SharedParent};
use crate::{error::Result, model::ModelInfo};

/// Parents whose lists a mapper walks, and the parts of its requests that depend on the parent.
#[derive(Debug)]
pub struct Each {
    /// Source of the parents.
    pub parents: ParentSource,
    /// Number of parents whose lists are walked at the same time, from 1 to 64.
    pub at_once: usize,
    /// Handling of a parent whose list cannot be read.
    pub on_error: OnParentError,
    /// Decodes the connection's metadata, once per run; `None` if neither the parents, the requests nor the function
    /// use it.
    pub metadata: Option<fn(Value) -> Result<SharedMetadata>>,
    /// Query, headers and body of the requests of a parent's list.
    pub request: EachRequest,
}

/// Source of the parents of a mapper.
#[derive(Debug)]
pub enum ParentSource {
    /// Live records of a model of the same integration and connection.
    Model {
        /// The model.
        model: &'static ModelInfo,
        /// Variant of the dataset; `None` for the base variant.
        variant: Option<&'static str>,
        /// Decodes a record from its stored canonical JSON.
        decode: fn(&[u8]) -> Result<SharedParent>,
    },
    /// Elements of a list in the connection's metadata.
    Metadata {
        /// Path of the list as declared, such as `metadata.repos`.
        path: &'static str,
        /// Returns the elements in the order of their ids. Its argument is the result of [`Each::metadata`].
        list: fn(&SharedMetadata) -> Result<Vec<ParentElement>>,
    },
}

/// Element of a list in the metadata.
#[derive(Debug, Clone)]
pub struct ParentElement {
    /// The canonical JSON of the element, which identifies it.
    pub id: String,
    /// The decoded element.
    pub value: SharedParent,
}

/// Handling of a parent whose list cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnParentError {
    /// The statuses 403, 404 and 410, and a declared `error(…)` whose text is not `fatal`, skip the parent; any other
    /// error fails the run.
    #[default]
    Standard,
    /// Any error fails the run.
    Fail,
    /// Any error response except 401, 429 and `fatal` errors skips the parent, and so does a record that does not fit.
    Skip,
}

/// Query, headers and body of the requests of a parent's list. A mapper with `each` declares their names in its
/// [`ListRequest`](super::ListRequest), and their values here.
#[derive(Debug, Clone, Copy)]
pub struct EachRequest {
    /// Adds the parameters of `query(…)`.
    pub query: Option<AddEachValues>,
    /// Adds the headers of `headers(…)`.
    pub headers: Option<AddEachValues>,
    /// Returns the JSON text of `body = …`.
    pub body: Option<WriteEachBody>,
}

impl EachRequest {
    /// Requests without query, headers and body.
    pub const NONE: Self = Self { query: None, headers: None, body: None };
}

/// Returns the JSON text of a body that depends on the parent.
pub(crate) type WriteEachBody = fn(&EachScope) -> Result<Vec<u8>>;

/// Adds values that depend on the parent.
pub(crate) type AddEachValues = fn(&EachScope, &mut RequestValues) -> Result<()>;

/// Values that the closures of a mapper with `each` use: the parent, and the decoded metadata of the connection. It is
/// created once per parent; a clone shares both.
#[derive(Debug, Clone)]
pub struct EachScope {
    /// The parent.
    pub parent: SharedParent,
    /// Result of [`Each::metadata`]; `None` if that is `None`.
    pub metadata: Option<SharedMetadata>,
}
