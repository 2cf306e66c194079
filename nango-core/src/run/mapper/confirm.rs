//! Deletes that a request confirms: `confirm_deletes(get = "…")`.

use serde_json::{Value, value::RawValue};

use super::Run;
use crate::{
    declare::ConfirmRequest,
    error::{Error, ErrorKind, Result},
    http::{Call, HttpError, Response},
    json::without_mark,
    model::Batch,
    nango::{Draft, Nango, store_error},
    paginate::path,
    run::confirm_path,
    store::{Change, Confirmation, DatasetKey, FeedRow, Level, Scan, Write},
};

/// The most candidates that a run asks for.
const ASKED_AT_MOST: u32 = 100;
/// Statuses that confirm a delete.
const GONE: [u16; 2] = [404, 410];

/// What an answer decides.
enum Answered {
    /// The record is gone.
    Gone,
    /// The record, as the mapper returns it now.
    Saved(Batch),
    /// The mapper returns nothing for it.
    Unwanted,
    /// Nothing: the record stays.
    Undecided,
    /// Nothing, and no more requests are sent in this run.
    Stop,
}

impl Run<'_> {
    /// Asks for the candidates of a complete walk, those asked longest ago first, and saves what comes back.
    pub(super) async fn confirm(&self, dataset: &DatasetKey, scan: Scan) -> Result<Vec<Confirmation>> {
        let Some(request) = self.def.deletes.request else { return Ok(Vec::new()) };
        let policy = self.policy();
        let token = self.context.token();
        let candidates =
            self.instance.store.delete_candidates(&token, dataset, scan, policy.fingerprint, ASKED_AT_MOST).await;
        let candidates = candidates.map_err(store_error)?;
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let metadata = match request.metadata {
            Some(_) => Some(Value::Object(Nango::new(self.context.clone()).metadata_map().await?)),
            None => None,
        };
        let mut confirmations = Vec::new();
        for row in candidates {
            self.context.check()?;
            let requested_at = self.instance.store.now();
            let answered = self.ask(request, metadata.as_ref(), &row).await?;
            let write = match answered {
                Answered::Stop => break,
                Answered::Gone | Answered::Undecided => {
                    let gone = matches!(answered, Answered::Gone);
                    confirmations.push(Confirmation { id: row.id, gone });
                    continue;
                }
                Answered::Saved(batch) => Write::Save(batch),
                Answered::Unwanted => {
                    // It still counts among the candidates of this scan.
                    confirmations.push(Confirmation { id: row.id.clone(), gone: true });
                    Write::delete([row.id])
                }
            };
            let change = Change { dataset: dataset.clone(), merging: self.def.merging, full_walk: None, write };
            self.commit(Draft { changes: vec![change], requested_at: Some(requested_at), ..Draft::default() }).await?;
        }
        Ok(confirmations)
    }

    async fn ask(&self, request: &ConfirmRequest, metadata: Option<&Value>, row: &FeedRow) -> Result<Answered> {
        let payload = row.payload.as_ref().and_then(|payload| str::from_utf8(payload).ok());
        let path = confirm_path(request, metadata.cloned(), &row.id, payload);
        let Some(path) = path.map_err(|error| self.context.in_metadata(error))? else {
            let message = format!("`{}` lacks a field that `confirm_deletes(get = …)` needs: the record stays", row.id);
            self.context.log(Level::Warn, &message, Value::Null);
            return Ok(Answered::Undecided);
        };
        let mut call = Call::get(path).accept(GONE);
        call.retries = self.mapper.retries;
        match self.context.client().send(&call).await {
            Ok(response) if GONE.contains(&response.status) => Ok(Answered::Gone),
            Ok(response) if response.status == 200 && !response.withheld => {
                match response.into_utf8(|| row.id.clone()) {
                    Ok(response) => self.returned(request, &row.id, &response).await,
                    Err(_) => Ok(Answered::Undecided),
                }
            }
            Ok(_) => Ok(Answered::Undecided),
            Err(HttpError::Status(failure)) if !stops(failure.status) => Ok(Answered::Undecided),
            Err(error) => {
                let error = error.into_error();
                if error.kind() == ErrorKind::Interrupted {
                    return Err(error);
                }
                let message = format!("no more deletes are confirmed in this run: {error}");
                self.context.log(Level::Warn, &message, Value::Null);
                Ok(Answered::Stop)
            }
        }
    }

    /// What a 200 says of a record: it goes through the mapper.
    async fn returned(&self, request: &ConfirmRequest, id: &str, response: &Response) -> Result<Answered> {
        let Some(raw) = record_of(response, request.response_path) else { return Ok(Answered::Undecided) };
        match self.map_one(raw.get()).await {
            Ok(batch) if batch.is_empty() => Ok(Answered::Unwanted),
            // Another record than the one that was asked for decides nothing.
            Ok(batch) if batch.iter().any(|item| item.id == id) => Ok(Answered::Saved(batch)),
            Ok(_) => Ok(Answered::Undecided),
            Err(error) if matches!(error.kind(), ErrorKind::Decode | ErrorKind::Record) => {
                self.keep_unfit(id, &error);
                Ok(Answered::Undecided)
            }
            Err(error) => Err(error),
        }
    }

    fn keep_unfit(&self, id: &str, error: &Error) {
        let message = format!("the answer for `{id}` does not fit, so the record stays: {error}");
        self.context.log(Level::Warn, &message, Value::Null);
    }
}

fn record_of<'a>(response: &'a Response, at: Option<&str>) -> Option<&'a RawValue> {
    let text = str::from_utf8(&response.body).ok()?;
    path::dig(without_mark(text), at.unwrap_or_default())
}

fn stops(status: u16) -> bool {
    matches!(status, 401 | 403 | 429) || status >= 500
}
