//! Entries of the table of routes.

use axum::http::{Method, StatusCode};
use schemars::json_schema;

use super::{call::Call, reply::Reply};
use crate::{
    auth::Scope,
    declare::BoxFuture,
    model::SchemaFn,
    wire::{ApiError, TextRule},
};

/// Media type of most bodies.
const JSON: &str = "application/json";

/// Function that answers a request.
pub(crate) type Handler = fn(Call) -> BoxFuture<Result<Reply, ApiError>>;

/// Route: what it accepts, what it answers, and its handler.
pub(crate) struct Route {
    /// Method of the request.
    pub method: Method,
    /// Path, with parameters as in `/connections/{connection_id}`.
    pub path: &'static str,
    /// Name of the operation, such as `listConnections`.
    pub id: &'static str,
    /// One sentence that says what the route does.
    pub summary: &'static str,
    /// Required permission.
    pub access: Access,
    /// Parameters of path, query and headers.
    pub parameters: &'static [Parameter],
    /// Body of the request.
    pub body: Option<Body>,
    /// Successful responses.
    pub replies: &'static [ReplyDoc],
    /// Errors that the route returns besides those of every route.
    pub errors: &'static [ErrorDoc],
    /// Function that answers.
    pub handler: Handler,
}

/// Permission that a route requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// No key. The route works while the database is down.
    Public,
    /// A key with any of these scopes.
    Key(&'static [Scope]),
    /// A key with any scope, or none on the listener for operators. The route works while the database is down.
    Operator,
}

/// Parameter of a route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    /// Name of the parameter.
    pub name: &'static str,
    /// Part of the request.
    pub place: Place,
    /// Whether a request without it is refused. Parameters of the path are always required.
    pub required: bool,
    /// Allowed values.
    pub rule: Rule,
    /// Meaning, for the document.
    pub description: &'static str,
}

/// Part of a request that has a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Segment of the path.
    Path,
    /// Query string.
    Query,
    /// Header of the request.
    Header,
}

/// Allowed values of a parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    /// One text.
    Text(TextRule),
    /// Whole number.
    Integer {
        /// Smallest allowed value.
        min: u64,
        /// Largest allowed value.
        max: u64,
    },
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// `true` or `false`, also as `1`, `0`, `yes`, `no`, `on`, `off`, `y`, `n`, `enabled`, `disabled`.
    Boolean,
    /// Time in RFC 3339.
    Time,
    /// Several texts by repetition of the key.
    List {
        /// Rule of each text.
        item: TextRule,
        /// Maximum number of texts.
        max: usize,
    },
    /// Texts by key, as in `tags[team]=data`.
    Map {
        /// Rule of the keys.
        key: TextRule,
        /// Rule of the texts.
        value: TextRule,
        /// Maximum number of entries.
        max: usize,
    },
}

/// Body of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    /// JSON Schema of the body.
    pub schema: SchemaFn,
    /// Meaning, for the document.
    pub description: &'static str,
}

/// Successful response of a route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReplyDoc {
    /// Status of the response.
    pub status: StatusCode,
    /// Media type of the body, without parameters.
    pub media_type: &'static str,
    /// JSON Schema of the body.
    pub schema: SchemaFn,
    /// Meaning, for the document.
    pub description: &'static str,
}

/// Error of a route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorDoc {
    /// Status of the response.
    pub status: StatusCode,
    /// Codes, with the reason of each.
    pub codes: &'static [(&'static str, &'static str)],
}

impl Parameter {
    /// Returns a parameter of the path.
    pub(crate) const fn path(name: &'static str, rule: TextRule, description: &'static str) -> Self {
        Self { name, place: Place::Path, required: true, rule: Rule::Text(rule), description }
    }

    /// Returns an optional parameter of the query.
    pub(crate) const fn query(name: &'static str, rule: Rule, description: &'static str) -> Self {
        Self { name, place: Place::Query, required: false, rule, description }
    }

    /// Returns a required header.
    pub(crate) const fn header(name: &'static str, rule: TextRule, description: &'static str) -> Self {
        Self { name, place: Place::Header, required: true, rule: Rule::Text(rule), description }
    }

    /// Returns the parameter as a required one.
    pub(crate) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// Returns the parameter as an optional one.
    pub(crate) const fn optional(self) -> Self {
        Self { required: false, ..self }
    }
}

impl ReplyDoc {
    /// Returns the response with status 200 and a body.
    pub(crate) const fn ok(schema: SchemaFn, description: &'static str) -> Self {
        Self { status: StatusCode::OK, media_type: JSON, schema, description }
    }

    /// Returns the response with status 200 and a text.
    pub(crate) const fn text(description: &'static str) -> Self {
        Self {
            status: StatusCode::OK,
            media_type: "text/plain",
            schema: |_| json_schema!({ "type": "string" }),
            description,
        }
    }

    /// Returns the response with another status.
    pub(crate) const fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

/// Returns the JSON Schema of a type, for [`ReplyDoc::schema`] and [`Body::schema`].
pub(crate) fn schema_of<T: schemars::JsonSchema>(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<T>()
}
