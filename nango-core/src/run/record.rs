//! Beginning of a recording: what is run, and the stored rows from which the run starts.

use std::sync::Arc;

use serde_json::Value;

use super::{
    dry_run,
    prepare::PreparedRun,
    request::{RunRequest, Target},
    runtime::Runtime,
};
use crate::{
    error::{Error, ErrorKind, Result, register_layer_error},
    recording::{FORMAT, Header, Options, Recorder, RecordingMode},
    store::{Chunk, CopyScope, FunctionKey, PlainLimits, PlainPart, StoreError, read_plain_part},
};

/// Maximum number of records from which a recorded run starts, and maximum size of their payloads in bytes.
const LIMITS: PlainLimits = PlainLimits { records: 10_000, bytes: 32 << 20 };

/// Error of a run that starts from more records than a recording can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the run cannot be recorded: it starts from {records} records ({} MiB), and a recording contains the records from \
     which the run starts, at most {} records and {} MiB",
    bytes.div_ceil(1 << 20),
    LIMITS.records,
    LIMITS.bytes >> 20
)]
pub(crate) struct TooManyRecords {
    records: u64,
    bytes: u64,
}

register_layer_error!(TooManyRecords);

impl TooManyRecords {
    /// Converts this into the error that functions receive.
    pub(crate) fn into_error(self) -> Error {
        Error::new(ErrorKind::Internal, self)
    }
}

/// Writes the beginning of the recording of a run. It is called while the run has its lease, so that no other run
/// changes the state that is recorded. A triggered run belongs to the recording of the run that triggered it.
pub(super) async fn begin(runtime: &Runtime, prepared: &PreparedRun) -> Result<()> {
    let (Some(RecordingMode::Record(recorder)), Some(request)) = (&runtime.recording, &prepared.recorded) else {
        return Ok(());
    };
    if !recorder.is_first_run() {
        return Ok(());
    }
    recorder.add_secrets(&prepared.resolved.redactor);
    let rows = stored_rows(runtime, prepared, request).await?;
    recorder.begin(header(runtime, recorder, prepared, request), &rows);
    Ok(())
}

async fn stored_rows(runtime: &Runtime, prepared: &PreparedRun, request: &RunRequest) -> Result<Vec<Chunk>> {
    let FunctionKey { integration, connection, variant, .. } = &prepared.key;
    let def = match &request.function {
        Target::Sync(sync) | Target::Webhook { sync, .. } => runtime.registry.sync(integration, sync),
        Target::Action { .. } | Target::Event(_) => None,
    };
    let parents = def.and_then(dry_run::walked_parents);
    let scope = |models: Vec<&'static str>| CopyScope { integration, connection, variant, models, parents };
    let is_emptied = request.reset && request.empty_cache;
    let (models, is_needed) = match &request.function {
        Target::Sync(_) if is_emptied => (Vec::new(), true),
        Target::Sync(_) | Target::Webhook { .. } => {
            (def.into_iter().flat_map(|def| def.models).map(|model| model.name).collect(), true)
        }
        // They may trigger any sync of the integration.
        Target::Action { .. } | Target::Event(_) => {
            (runtime.registry.models(integration).iter().map(|model| model.name).collect(), false)
        }
    };
    match read(runtime, &scope(models)).await? {
        PlainPart::Rows(rows) => Ok(rows),
        PlainPart::TooLarge { records, bytes } if is_needed => Err(TooManyRecords { records, bytes }.into_error()),
        PlainPart::TooLarge { .. } => match read(runtime, &scope(Vec::new())).await? {
            PlainPart::Rows(rows) => Ok(rows),
            PlainPart::TooLarge { .. } => Ok(Vec::new()),
        },
    }
}

async fn read(runtime: &Runtime, scope: &CopyScope<'_>) -> Result<PlainPart> {
    let ring = runtime.ring.clone();
    let open_state = |context: &[u8], sealed: &[u8]| ring.open(sealed, context).ok().map(|state| state.to_vec());
    let keys = Arc::new(runtime.ring.clone());
    let part = read_plain_part(&runtime.store, scope, keys, &open_state, LIMITS).await;
    part.map_err(StoreError::into_error)
}

fn header(runtime: &Runtime, recorder: &Recorder, prepared: &PreparedRun, request: &RunRequest) -> Header {
    let (sync, webhook, input) = match &request.function {
        Target::Action { input, .. } => (None, None, Some(input.clone())),
        Target::Webhook { sync, r#type, payload } => (Some(sync.clone()), Some(r#type.clone()), Some(payload.clone())),
        Target::Sync(_) | Target::Event(_) => (None, None, None),
    };
    let key = &prepared.key;
    let settings = runtime.config.integrations.get(&key.integration);
    let credentials = prepared.resolved.credentials.loaded().without_refresh_token();
    let mut shown = recorder.masked_credentials(credentials.to_json(true), &credentials.to_json(false));
    if let Value::Object(shown) = &mut shown {
        // The credentials of a replay are never refreshed.
        shown.remove("expires_at");
    }
    Header {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        integration: key.integration.clone(),
        function: key.function.clone(),
        kind: key.kind.name().to_owned(),
        connection: key.connection.clone(),
        variant: key.variant.clone(),
        sync,
        webhook,
        input,
        options: Options {
            metadata: request.metadata.clone(),
            checkpoint: request.checkpoint.clone(),
            reset: request.reset,
            empty_cache: request.empty_cache,
            full: request.full,
            allow_deletes: request.allow_deletes,
            dry_run: request.dry_run,
        },
        provider: prepared.resolved.context.provider.name.clone(),
        base_url: prepared.resolved.base_url.to_string(),
        trusted_origins: settings.map(|settings| settings.trusted_origins.clone()).unwrap_or_default(),
        credentials: shown,
        environment: runtime.config.environment.clone(),
        started_at: runtime.store.now(),
    }
}
