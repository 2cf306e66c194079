//! Confirmation of deletes by requests: `confirm_deletes(get = "…")`.

use serde_json::{Value, value::RawValue};

use super::{list_walk::ListWalk, scan::OpenScan};
use crate::{
    declare::ConfirmRequest,
    error::{Error, ErrorKind, Result},
    http::{HttpError, RequestSpec, Response},
    json::strip_bom,
    model::{Batch, MappedBatch},
    nango::{Nango, PageCommit},
    paginate::{DeclaredError, path},
    run::confirm_path,
    store::{Change, Confirmation, FeedRow, Level, StoreError, Write},
};

/// Maximum number of candidates that a run requests.
const MAX_CONFIRMATIONS: u32 = 100;
/// Statuses that confirm a delete.
const DELETED_STATUSES: [u16; 2] = [404, 410];

/// Decision about a candidate.
enum ConfirmOutcome {
    /// The record no longer exists at the provider.
    Deleted,
    /// The record exists; contains the result of the mapper.
    Saved(Batch),
    /// The record exists, but the mapper returns nothing, or its delete.
    Filtered,
    /// The record exists, and the mapper keeps it as it is.
    Kept,
    /// The response is not conclusive: the record is kept.
    Undecided,
    /// The response is not conclusive, and no more requests are sent in this run.
    Abort,
}

impl ListWalk<'_> {
    /// Requests the delete candidates of a complete walk, least recently requested first, and saves the returned
    /// records. `fingerprint`: that of the list.
    pub(super) async fn confirm(&self, open: &OpenScan, fingerprint: [u8; 16]) -> Result<Vec<Confirmation>> {
        let Some(request) = self.run.def.deletes.request else { return Ok(Vec::new()) };
        let (token, store) = (self.run.context.token().await?, &self.run.runtime.store);
        let by_parent = self.run.mapper.each.is_some();
        let candidates =
            store.delete_candidates(&token, &open.dataset, open.scan, fingerprint, by_parent, MAX_CONFIRMATIONS).await;
        let candidates = candidates.map_err(StoreError::into_error)?;
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let metadata = match request.metadata {
            Some(_) => Some(Value::Object(Nango::new(self.run.context.clone()).metadata_map().await?)),
            None => None,
        };
        let mut confirmations = Vec::new();
        for row in candidates {
            self.run.context.check_cancelled()?;
            let requested_at = self.run.runtime.store.now();
            let outcome = self.request_record(request, metadata.as_ref(), &row).await?;
            let write = match outcome {
                ConfirmOutcome::Abort => break,
                ConfirmOutcome::Deleted | ConfirmOutcome::Undecided => {
                    let deleted = matches!(outcome, ConfirmOutcome::Deleted);
                    confirmations.push(Confirmation { id: row.id, deleted });
                    continue;
                }
                ConfirmOutcome::Saved(batch) => Write::Save(batch),
                ConfirmOutcome::Kept => Write::Seen(vec![row.id]),
                ConfirmOutcome::Filtered => {
                    // The confirmation is still recorded for this scan.
                    confirmations.push(Confirmation { id: row.id.clone(), deleted: true });
                    Write::delete([row.id])
                }
            };
            let change = Change {
                dataset: open.dataset.clone(),
                merging: self.run.def.merging,
                full_walk: None,
                parent: None,
                write,
            };
            self.run
                .commit(PageCommit { changes: vec![change], requested_at: Some(requested_at), ..PageCommit::default() })
                .await?;
        }
        Ok(confirmations)
    }

    async fn request_record(
        &self,
        request: &ConfirmRequest,
        metadata: Option<&Value>,
        row: &FeedRow,
    ) -> Result<ConfirmOutcome> {
        let payload = row.payload.as_ref().and_then(|payload| str::from_utf8(payload).ok());
        let path = confirm_path(request, metadata.cloned(), &row.id, payload);
        let Some(path) = path.map_err(|error| self.run.context.metadata_error(error))? else {
            let message =
                format!("record `{}` is kept: it lacks a field that `confirm_deletes(get = …)` requires", row.id);
            self.run.context.log(Level::Warn, &message, Value::Null);
            return Ok(ConfirmOutcome::Undecided);
        };
        let mut spec = RequestSpec::get(path).accept(DELETED_STATUSES);
        spec.retries = self.run.mapper.retries;
        spec.headers = self.request.headers.clone();
        spec.error_at.clone_from(&self.request.error_at);
        match self.run.context.client().send(&spec).await {
            Ok(response) if DELETED_STATUSES.contains(&response.status) => Ok(ConfirmOutcome::Deleted),
            Ok(response) if response.status == 200 && !response.credentials_withheld => {
                match response.into_utf8(|| row.id.clone()) {
                    Ok(response) if self.has_declared_error(&spec, &row.id, &response) => Ok(ConfirmOutcome::Undecided),
                    Ok(response) => self.map_response(request, &row.id, &response).await,
                    Err(_) => Ok(ConfirmOutcome::Undecided),
                }
            }
            Ok(_) => Ok(ConfirmOutcome::Undecided),
            Err(HttpError::Status(failure)) if !aborts(failure.status) => Ok(ConfirmOutcome::Undecided),
            Err(error) => {
                let error = error.into_error();
                if error.kind() == ErrorKind::Interrupted {
                    return Err(error);
                }
                let message = format!("no more deletes are confirmed in this run: {error}");
                self.run.context.log(Level::Warn, &message, Value::Null);
                Ok(ConfirmOutcome::Abort)
            }
        }
    }

    /// Maps the record of a response with status 200.
    async fn map_response(&self, request: &ConfirmRequest, id: &str, response: &Response) -> Result<ConfirmOutcome> {
        let Some(raw) = record_of(response, request.response_path) else { return Ok(ConfirmOutcome::Undecided) };
        if self.run.mapper.each.is_some() {
            // The function needs the parent of the record, which the response does not contain.
            return Ok(ConfirmOutcome::Kept);
        }
        match self.map_one(raw.get()).await {
            Ok(mapped) => Ok(outcome_of(mapped, id)),
            Err(error) if matches!(error.kind(), ErrorKind::Decode | ErrorKind::Record) => {
                self.log_unfit(id, &error);
                Ok(ConfirmOutcome::Undecided)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns whether a response has a declared error, which proves nothing about the record, and logs it.
    fn has_declared_error(&self, spec: &RequestSpec, id: &str, response: &Response) -> bool {
        let Some(error) = DeclaredError::of(&spec.error_at, response) else { return false };
        let message = format!("record `{id}` is kept: the API returned the error {}", error.shown(response));
        self.run.context.log(Level::Warn, &message, Value::Null);
        true
    }

    fn log_unfit(&self, id: &str, error: &Error) {
        let message = format!("the response for record `{id}` does not fit, so the record is kept: {error}");
        self.run.context.log(Level::Warn, &message, Value::Null);
    }
}

/// Returns the outcome of a response that was mapped. A different record than the requested one is not conclusive.
fn outcome_of(mut mapped: MappedBatch, id: &str) -> ConfirmOutcome {
    if mapped.is_empty() || mapped.take_deleted().iter().any(|deleted| deleted == id) {
        ConfirmOutcome::Filtered
    } else if mapped.saved.iter().any(|item| item.id == id) {
        ConfirmOutcome::Saved(mapped.saved)
    } else if mapped.kept.iter().any(|kept| kept == id) {
        ConfirmOutcome::Kept
    } else {
        ConfirmOutcome::Undecided
    }
}

fn record_of<'a>(response: &'a Response, at: Option<&str>) -> Option<&'a RawValue> {
    let text = str::from_utf8(&response.body).ok()?;
    path::lookup(strip_bom(text), at.unwrap_or_default())
}

fn aborts(status: u16) -> bool {
    matches!(status, 401 | 403 | 429) || status >= 500
}
