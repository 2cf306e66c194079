//! Checkpoints: typed and versioned positions that a function stores for its next run.
//!
//! A write contains the version that its run last read or wrote, so concurrent writers conflict instead of overwriting
//! each other.

use serde::Serialize;
use serde_json::Value;

use super::{
    Nango, NangoAction, NangoSync,
    context::{Context, PageCommit},
};
use crate::{
    declare::{BoxFuture, HasCheckpoint},
    error::{Error, ErrorKind, Remedy, Result},
    json::decode_value,
    model::Checkpoint,
    store::{BASE_VARIANT, CheckpointWrite, StoreError},
};

/// Maximum number of fields of a checkpoint, a limit of Nango's wire format.
const FIELDS_MAX: usize = 16;
/// Maximum length of a string in a checkpoint in characters, a limit of Nango's wire format.
const STRING_MAX: usize = 4_000;

impl Context {
    /// Reads the stored value, and keeps its version for the next write.
    async fn read_checkpoint(&self) -> Result<Option<Value>> {
        let mut version = self.checkpoint.lock().await;
        let stored = self.store.checkpoint(&self.key).await.map_err(StoreError::into_error)?;
        *version = Some(stored.version);
        Ok(stored.value)
    }

    /// Returns a write that replaces the version that this run last saw, or the stored version if it saw none.
    pub(super) async fn checkpoint_write(&self, value: Option<Value>) -> Result<CheckpointWrite> {
        let mut version = self.checkpoint.lock().await;
        let expected = match *version {
            Some(seen) => seen,
            None => self.store.checkpoint(&self.key).await.map_err(StoreError::into_error)?.version,
        };
        *version = Some(expected);
        Ok(CheckpointWrite { value, expected })
    }

    pub(super) async fn checkpoint_written(&self, version: Option<i64>) {
        if version.is_some() {
            *self.checkpoint.lock().await = version;
        }
    }
}

impl Nango {
    async fn typed_checkpoint<C: Checkpoint>(self) -> Result<Option<C>> {
        let context = self.active_context()?;
        let Some(value) = context.read_checkpoint().await? else { return Ok(None) };
        decode_value(&value).map(Some).map_err(|error| {
            // Types without values: a checkpoint may contain a token of the provider.
            let message = format!(
                "the stored checkpoint has {}, but `{}` declares {} ({error})",
                stored_shape(&value),
                short_name::<C>(),
                declared_shape::<C>(),
            );
            let key = &context.key;
            Error::new(ErrorKind::Checkpoint, message).with_remedy(Remedy::ResetSync {
                integration: key.integration.clone(),
                sync: key.function.clone(),
                connection: key.connection.clone(),
                variant: (key.variant != BASE_VARIANT).then(|| key.variant.clone()),
            })
        })
    }

    async fn write_checkpoint(self, value: Option<Value>) -> Result<()> {
        let context = self.context();
        let checkpoint = Some(context.checkpoint_write(value).await?);
        let committed = context.commit(PageCommit { checkpoint, ..PageCommit::default() }).await?;
        context.checkpoint_written(committed.checkpoint_version).await;
        // Checked after the write, so that a cancelled function does not lose its checkpoint.
        context.check_cancelled()
    }
}

/// Maximum number of entries of a map in a checkpoint.
const ENTRIES_MAX: usize = 1_000;

/// Converts a checkpoint to JSON, and checks the limits of its size.
pub(super) fn checkpoint_value(checkpoint: &impl Serialize) -> Result<Value> {
    let value = serde_json::to_value(checkpoint)?;
    let fault = match &value {
        Value::Object(fields) if fields.len() > FIELDS_MAX => {
            Some(format!("it has {} fields, at most {FIELDS_MAX} are allowed", fields.len()))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, value)| fault(name, value)),
        _ => Some("it is not an object".to_owned()),
    };
    match fault {
        None => Ok(value),
        Some(fault) => Err(Error::new(ErrorKind::Checkpoint, format!("the checkpoint cannot be stored: {fault}"))),
    }
}

/// Returns why a field of a checkpoint is too large.
fn fault(name: &str, value: &Value) -> Option<String> {
    let is_long = |text: &str| text.chars().count() > STRING_MAX;
    match value {
        Value::String(text) if is_long(text) => Some(format!("`{name}` is longer than {STRING_MAX} characters")),
        Value::Object(entries) if entries.len() > ENTRIES_MAX => {
            Some(format!("`{name}` has {} entries, at most {ENTRIES_MAX} are allowed", entries.len()))
        }
        Value::Object(entries) => {
            let long = entries.iter().any(|(key, value)| is_long(key) || value.as_str().is_some_and(is_long));
            long.then(|| format!("an entry of `{name}` is longer than {STRING_MAX} characters"))
        }
        _ => None,
    }
}

/// Formats the fields of a stored checkpoint with their JSON types: `{ page: string }`.
fn stored_shape(value: &Value) -> String {
    match value {
        Value::Object(fields) => shape(fields.iter().map(|(name, value)| (name.as_str(), kind(value).to_owned()))),
        other => kind(other).to_owned(),
    }
}

/// Formats the fields of a declared checkpoint with their JSON types: `{ page: integer, since: string or null }`.
fn declared_shape<C: Checkpoint>() -> String {
    let schema = schemars::schema_for!(C).to_value();
    let no_fields = serde_json::Map::new();
    let fields = schema.get("properties").and_then(Value::as_object).unwrap_or(&no_fields);
    let kinds = |field: &Value| match field.get("type") {
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any value".to_owned(),
    };
    shape(fields.iter().map(|(name, field)| (name.as_str(), kinds(field))))
}

fn shape<'a>(fields: impl Iterator<Item = (&'a str, String)>) -> String {
    let fields: Vec<String> = fields.map(|(name, kind)| format!("{name}: {kind}")).collect();
    if fields.is_empty() { "no fields".to_owned() } else { format!("{{ {} }}", fields.join(", ")) }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn short_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    name.rsplit("::").next().unwrap_or(name)
}

macro_rules! checkpoints {
    ($($handle:ident)*) => { $(
        impl<F> $handle<F> {
            /// Returns the checkpoint that an earlier run (or this one) stored.
            #[doc(alias = "getCheckpoint")]
            pub fn checkpoint<C>(&self) -> BoxFuture<Result<Option<C>>>
            where
                F: HasCheckpoint<Checkpoint = C>,
                C: Checkpoint,
            {
                Box::pin(self.0.clone().typed_checkpoint())
            }

            /// Replaces the stored checkpoint. To store it together with records, see [`NangoSync::page`].
            #[doc(alias = "saveCheckpoint")]
            pub fn save_checkpoint<C>(&self, checkpoint: C) -> BoxFuture<Result<()>>
            where
                F: HasCheckpoint<Checkpoint = C>,
                C: Checkpoint,
            {
                let (nango, value) = (self.0.clone(), checkpoint_value(&checkpoint));
                Box::pin(async move { nango.write_checkpoint(Some(value?)).await })
            }

            /// Deletes the checkpoint. Without one, nothing happens.
            #[doc(alias = "clearCheckpoint")]
            pub fn clear_checkpoint<C>(&self) -> BoxFuture<Result<()>>
            where
                F: HasCheckpoint<Checkpoint = C>,
                C: Checkpoint,
            {
                Box::pin(self.0.clone().write_checkpoint(None))
            }
        }
    )* };
}
checkpoints!(NangoSync NangoAction);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_refused(checkpoint: &Value, expect: &str) {
        let error = checkpoint_value(checkpoint).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Checkpoint);
        assert_eq!(error.to_string(), format!("the checkpoint cannot be stored: {expect}"));
    }

    #[test]
    fn map_of_flat_values_is_stored_within_its_limits() {
        let entries = |count: usize| (0..count).map(|i| (i.to_string(), json!(i))).collect::<serde_json::Map<_, _>>();
        let position = json!({ "since": "2026-11-22T12:00:00Z", "channels": entries(1_000) });
        assert_eq!(checkpoint_value(&position).unwrap(), position);
        check_refused(&json!({ "channels": entries(1_001) }), "`channels` has 1001 entries, at most 1000 are allowed");
        let long = "a".repeat(4_001);
        check_refused(&json!({ "a": { "b": long } }), "an entry of `a` is longer than 4000 characters");
        check_refused(&json!({ "a": { (long.clone()): 1 } }), "an entry of `a` is longer than 4000 characters");
        check_refused(&json!({ "a": long }), "`a` is longer than 4000 characters");
    }
}
