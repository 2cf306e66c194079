//! Support functions for the expansions of the attribute macros. Not a public API: it changes with the macros.
//!
//! An expansion consists of descriptors and of calls of these functions, so that most of the code is compiled once,
//! here, instead of once per annotated function.

mod checks;
mod decode;
mod each;

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use std::borrow::Cow;
use std::sync::Arc;

pub use ::inventory;
pub use ::schemars;
pub use ::serde;

pub use self::checks::{Elem, Field, Nullable, field, fits, fits_nullable, flat, map_of_models};
pub use self::decode::decode;
use self::decode::read;
pub use self::each::{
    ParentList, element, elements, endpoint_of_parent, map_each, metadata_of, parent, parent_list, record_parents,
    shared_element, shared_metadata_of, shared_parent,
};
pub use crate::{
    declare::{
        ActionDef, ActionMarker, BoxFuture, ConfirmField, ConfirmRequest, Deletes, Delta, DeltaPosition, Each,
        EachRequest, EachScope, Endpoint, ErrorAt, ErrorValue, Event, EventDef, Frequency, HasCheckpoint, HasMetadata,
        HasWebhook, InitialValues, Item, ListMethod, ListRequest, Location, MapRecord, Mapper, Merging, OffsetBy,
        OnInvalid, OnParentError, Paginate, PaginateKind, Pagination, ParentElement, ParentSource, PathValue,
        RequestValue, RequestValues, Saves, SharedMetadata, SharedParent, Since, SinceFormat, SinceFrom, SyncDef,
        SyncMarker, SyncRun, ValueType, WebhookDef, integration_of, method_of, method_with_body_of, path_of,
    },
    model::{
        AsRecord, Checkpoint, Data, Fits, Model, ModelInfo, ModelNames, NoModelNames, PatchOf, Record, Returns,
        assert_no_message, joined, length, renamed_field,
    },
};
use crate::{
    declare::{EndpointPath, Handle, SavedBy, fill},
    error::{Error, ErrorKind, Result},
    model::{ApiTime, Mapped, MappedBatch, ReturnsNothing},
    nango::NangoSync,
};

// ---- schemas -------------------------------------------------------------------------------------------------------
// Schemas are resolved through marker types where one exists, so that a wrong type is reported once, at its
// declaration.

pub fn schema<T: Data>(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<T>()
}

/// Returns the type of a value that users give: its schema and its check.
pub const fn value_type<T: Data>() -> ValueType {
    ValueType { schema: schema::<T>, check: check::<T> }
}

fn check<T: Data>(value: &Value) -> Result<()> {
    read::<T>(value, ErrorKind::Input, "the value").map(drop)
}

pub const fn input_type<A: ActionMarker<Input: Data>>() -> ValueType {
    value_type::<A::Input>()
}

pub const fn checkpoint_type<S: HasCheckpoint>() -> ValueType {
    value_type::<S::Checkpoint>()
}

pub const fn metadata_type<S: HasMetadata<Metadata: Data>>() -> ValueType {
    value_type::<S::Metadata>()
}

/// Associates a webhook handler with the type of its payload.
pub trait Payload {
    type Payload;
}

pub const fn payload_type<P: Payload<Payload: Data>>() -> ValueType {
    value_type::<P::Payload>()
}

// ---- calls ---------------------------------------------------------------------------------------------------------

pub fn box_sync<F>(future: F) -> BoxFuture<Result<()>>
where
    F: Future + Send + 'static,
    F::Output: ReturnsNothing,
{
    Box::pin(async move { future.await.result() })
}

pub fn box_action<F>(future: F) -> BoxFuture<Result<Value>>
where
    F: Future + Send + 'static,
    F::Output: Returns,
{
    Box::pin(async move { future.await.json() })
}

pub fn box_mapped<S, F>(future: F) -> BoxFuture<Result<MappedBatch>>
where
    F: Future + Send + 'static,
    F::Output: Mapped,
    <F::Output as Mapped>::Models: SavedBy<S>,
{
    Box::pin(async move {
        let mut batch = MappedBatch::default();
        future.await.put(<F::Output as Mapped>::Models::INDICES, &mut batch)?;
        Ok(batch)
    })
}

/// Returns the descriptor of a sync that has a webhook handler.
pub const fn sync_of<S: HasWebhook>() -> &'static SyncDef {
    S::DEF
}

/// Converts to the handle of a webhook handler. The sync is not checked again here: the attribute checks it where the
/// handler names it.
pub fn sync_handle<S: HasWebhook>(handle: Handle) -> NangoSync<S> {
    handle.into()
}

pub fn fail<T: Send + 'static>(error: Error) -> BoxFuture<Result<T>> {
    Box::pin(std::future::ready(Err(error)))
}

pub fn map_record<S, R, O>(map: fn(R) -> O, record: &str, batch: &mut MappedBatch) -> Result<()>
where
    R: DeserializeOwned,
    O: Mapped,
    O::Models: SavedBy<S>,
{
    map(decode(record)?).put(O::Models::INDICES, batch)
}

/// Decodes the metadata for the calls of a mapper.
pub fn shared_metadata<S>(value: Value) -> Result<SharedMetadata>
where
    S: HasMetadata,
    S::Metadata: Data + Sync,
{
    metadata::<S>(value).map(SharedMetadata::new)
}

/// Decodes a record for an async mapper with metadata, which its future owns.
pub fn decode_with<S: HasMetadata, R: DeserializeOwned>(
    metadata: SharedMetadata,
    record: &str,
) -> Result<(R, Arc<S::Metadata>)>
where
    S::Metadata: Data + Sync,
{
    let metadata = metadata.into_arc::<S::Metadata>().ok_or_else(wrong_metadata)?;
    Ok((decode(record)?, metadata))
}

/// Returns the error for metadata of another marker, which an expansion never passes.
#[cold]
fn wrong_metadata() -> Error {
    Error::msg("the metadata of the mapper has another type than declared")
}

pub fn map_record_with<S, R, O>(
    map: fn(R, &S::Metadata) -> O,
    metadata: &SharedMetadata,
    record: &str,
    batch: &mut MappedBatch,
) -> Result<()>
where
    R: DeserializeOwned,
    O: Mapped,
    O::Models: SavedBy<S>,
    S: HasMetadata,
    S::Metadata: Data,
{
    map(decode(record)?, metadata.get().ok_or_else(wrong_metadata)?).put(O::Models::INDICES, batch)
}

// ---- values --------------------------------------------------------------------------------------------------------

#[expect(clippy::needless_pass_by_value, reason = "expansions pass the value by value")]
pub fn input<A: ActionMarker<Input: Data>>(value: Value) -> Result<A::Input> {
    read(&value, ErrorKind::Input, "the input")
}

#[expect(clippy::needless_pass_by_value, reason = "expansions pass the value by value")]
pub fn payload<P: Payload<Payload: Data>>(value: Value) -> Result<P::Payload> {
    read(&value, ErrorKind::Input, "the payload of the webhook")
}

#[expect(clippy::needless_pass_by_value, reason = "expansions pass the value by value")]
pub fn metadata<S: HasMetadata<Metadata: Data>>(value: Value) -> Result<S::Metadata> {
    read(&value, ErrorKind::Connection, "the metadata of the connection")
}

/// Returns the time in the field that a model declares as `updated`, in microseconds since 1970 (UTC).
pub fn updated<T: ApiTime>(field: &T) -> Option<i64> {
    field.unix_micros()
}

// ---- endpoints -----------------------------------------------------------------------------------------------------

/// Builds the endpoint of a mapper from literals and values of the metadata.
pub fn endpoint(literals: &[&str], values: &[(&str, &dyn PathValue)]) -> Result<String> {
    fill(literals, values).map_err(|error| Error::new(ErrorKind::Connection, format!("the metadata's {error}")))
}

/// Converts the body of a mapper's requests to JSON text.
pub fn body<T: serde::Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value)
        .map_err(|error| Error::new(ErrorKind::Internal, error).context("`body` cannot be serialized to JSON"))
}

/// Converts fields of the metadata to text, for the path of a request that confirms a delete.
///
/// # Errors
///
/// Never fails; the signature is that of [`ConfirmRequest::metadata`].
pub fn path_values(values: &[&dyn PathValue]) -> Result<Vec<String>> {
    Ok(values.iter().map(|value| value.path_value().into_owned()).collect())
}

/// Returns the text that serde writes for a value of an enum without data. It is empty, which a path refuses, if an
/// attribute of a variant makes it another value.
pub fn enum_text<T: serde::Serialize>(value: &T) -> Cow<'static, str> {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => Cow::Owned(text),
        _ => Cow::Borrowed(""),
    }
}

/// Builds the result of `path!`.
pub fn path(literals: &[&str], values: &[(&str, &dyn PathValue)]) -> EndpointPath {
    EndpointPath::fill(literals, values)
}

#[cfg(test)]
mod tests {
    use serde_json::{json, value::RawValue};

    use super::*;
    use crate::model::RecordFault;

    #[test]
    fn metadata_that_is_not_a_path_segment_is_a_connection_error() {
        assert_eq!(
            endpoint(&["/repos/", "?q=", ""], &[("owner", &"a/b"), ("q", &"c&d")]).unwrap(),
            "/repos/a%2Fb?q=c%26d"
        );
        let error = endpoint(&["/repos/", "/issues"], &[("owner", &"..")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection);
        let expect = "the metadata's `owner` is \"..\" in the path `/repos/{owner}/issues`: a value in a path must \
                      not be empty, `.` or `..`";
        assert_eq!(error.to_string(), expect);
    }

    #[derive(Debug, serde::Deserialize)]
    struct Issue {
        id: u64,
        user: User,
    }

    #[derive(Debug, serde::Deserialize)]
    struct User {
        login: String,
    }

    fn raw(value: &Value) -> String {
        value.to_string()
    }

    #[track_caller]
    fn check_decode_error(value: &Value, expect: &str) {
        let error = decode::<Issue>(&raw(value)).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Decode, expect));
    }

    #[test]
    fn record_of_another_shape_is_an_error_with_field_and_type() {
        let issue: Issue = decode(&raw(&json!({ "id": 1, "user": { "login": "a" }, "more": [] }))).unwrap();
        assert_eq!((issue.id, issue.user.login.as_str()), (1, "a"));
        check_decode_error(
            &json!({ "id": 1, "user": { "login": null } }),
            "the record does not fit `Issue`: `user.login`: invalid type: null, expected a string",
        );
        check_decode_error(
            &json!({ "id": 1, "user": {} }),
            "the record does not fit `Issue`: `user`: missing field `login`",
        );
        check_decode_error(&json!({ "id": 1 }), "the record does not fit `Issue`: missing field `user`");
        check_decode_error(
            &json!([1]),
            "the record does not fit `Issue`: invalid length 1, expected struct Issue with 2 elements",
        );
    }

    #[test]
    fn raw_values_and_values_are_records_too() {
        let record = raw(&json!({ "z": 1.50, "a": u64::MAX }));
        assert_eq!(decode::<Box<RawValue>>(&record).unwrap().get(), record);
        assert_eq!(decode::<Value>(&record).unwrap()["a"], u64::MAX);
    }

    #[test]
    fn metadata_of_another_type_is_a_connection_error() {
        enum Any {}
        impl HasMetadata for Any {
            type Metadata = Vec<u8>;
        }
        let error = metadata::<Any>(json!([1, "two"])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection);
        let expect =
            "the metadata of the connection does not fit `Vec<u8>`: `[1]`: invalid type: a string, expected u8";
        assert_eq!(error.to_string(), expect);
    }

    #[test]
    fn record_that_cannot_be_saved_is_an_error() {
        #[crate::model]
        struct Out {
            id: String,
        }
        enum Any {}
        impl Saves<Out> for Any {}
        let mut batch = MappedBatch::default();
        let map = |issue: Issue| Some(Out { id: issue.user.login });
        let put = |login: &str, batch: &mut MappedBatch| {
            map_record::<Any, Issue, Option<Out>>(map, &raw(&json!({ "id": 1, "user": { "login": login } })), batch)
        };
        put("a", &mut batch).unwrap();
        let error = put("", &mut batch).unwrap_err();
        assert!(error.downcast_ref::<RecordFault>().is_some());
        assert_eq!(batch.saved.iter().map(|item| item.id).collect::<Vec<_>>(), ["a"]);
    }
}
