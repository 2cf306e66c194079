//! Mapping of a provider's page to a page commit.

use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::{MapperRun, Progress};
use crate::{
    declare::{Handle, MapRecord, OnInvalid},
    error::{Error, ErrorKind, Result},
    model::Batch,
    nango::{Nango, PageCommit},
    paginate::{PaginateError, RawPage, path},
    run::since,
    store::{Change, Level, Write},
    time::Timestamp,
};

/// Number of records of a page that an async mapper processes concurrently. Their order is kept.
const ASYNC_CONCURRENCY: usize = 4;

/// Result of mapping the raw records of a page.
#[derive(Default)]
struct MappedPage {
    batch: Batch,
    /// Indices of raw records that were skipped because they do not fit.
    skipped_invalid: Vec<usize>,
    /// Newest value of the field that `since` reads.
    newest: Option<Timestamp>,
    /// Index of each mapped raw record, and the range of its records in the batch.
    ranges: Vec<(usize, std::ops::Range<usize>)>,
}

impl MapperRun<'_> {
    /// Maps a page to a commit.
    pub(super) async fn map_page(&self, page: &RawPage, progress: &mut Progress) -> Result<PageCommit> {
        let records = page.records().map_err(PaginateError::into_error)?;
        let mapped = self.map_records(&records, progress.pages + 1).await?;
        progress.pages += 1;
        progress.records += records.len() as u64;
        progress.first_date.get_or_insert_with(|| since::server_date(&page.response().headers, page.sent_at()));
        progress.newest = progress.newest.max(mapped.newest);
        if page.is_position_based() {
            mapped.batch.iter().for_each(|item| progress.ids.add(item.id));
            progress.shifted |= progress.ids.end_page();
        }
        let seen = ids_of_skipped(&records, &mapped, progress);
        let full_walk = progress.since.is_none().then_some(progress.started_at.as_micros());
        let mut changes = Vec::new();
        let mut change = |write: Write| {
            if !write.is_empty() {
                changes.push(Change { dataset: self.dataset(), merging: self.def.merging, full_walk, write });
            }
        };
        change(Write::Save(mapped.batch));
        change(Write::Seen(seen));
        let skipped_invalid = mapped.skipped_invalid.len() as u64;
        Ok(PageCommit {
            changes,
            requested_at: Some(page.sent_at()),
            skipped_invalid,
            is_page: true,
            ..PageCommit::default()
        })
    }

    async fn map_records(&self, records: &[&str], page: u64) -> Result<MappedPage> {
        let mut mapped = MappedPage::default();
        let value_of = |record: &str| match &self.mapper.since {
            Some(since) => since::record_time(since, record),
            None => Ok(None),
        };
        let model = self.def.models[0].name;
        let with_position = |i: usize, error: Error| {
            error.context(format!("record {} of page {page} cannot become a `{model}`", i + 1))
        };
        match self.mapper.map {
            MapRecord::Plain(map) => {
                for (i, record) in records.iter().enumerate() {
                    let before = mapped.batch.len();
                    let done = map(record, &mut mapped.batch)
                        .and_then(|()| self.context.check_size(&mapped.batch, before))
                        .and_then(|()| value_of(record));
                    match done {
                        Ok(value) => mapped.push(i, before, value),
                        Err(error) => {
                            mapped.batch.truncate(before);
                            self.skip_invalid(with_position(i, error))?;
                            mapped.skipped_invalid.push(i);
                        }
                    }
                }
            }
            MapRecord::Async(map) => {
                let handle = || Handle::from(Nango::new(self.context.clone()));
                let calls = records.iter().map(|record| map(handle(), Box::from(*record))).collect::<Vec<_>>();
                let mut done = stream::iter(calls).buffered(ASYNC_CONCURRENCY).map(Ok::<_, Error>).enumerate();
                while let Some((i, batch)) = done.next().await {
                    let sized = batch?.and_then(|batch| self.context.check_size(&batch, 0).map(|()| batch));
                    match sized.and_then(|batch| Ok((batch, value_of(records[i])?))) {
                        Ok((batch, value)) => {
                            let before = mapped.batch.len();
                            mapped.batch.append(&batch);
                            mapped.push(i, before, value);
                        }
                        Err(error) => {
                            self.skip_invalid(with_position(i, error))?;
                            mapped.skipped_invalid.push(i);
                        }
                    }
                }
            }
        }
        Ok(mapped)
    }

    /// Maps one raw record. The batch is empty if the mapper returns `None`.
    pub(super) async fn map_one(&self, record: &str) -> Result<Batch> {
        let mut batch = Batch::default();
        match self.mapper.map {
            MapRecord::Plain(map) => map(record, &mut batch)?,
            MapRecord::Async(map) => batch = map(Nango::new(self.context.clone()).into(), Box::from(record)).await?,
        }
        self.context.check_size(&batch, 0)?;
        Ok(batch)
    }

    /// Logs a record that does not fit, if the sync declares that such records are skipped; any other error fails the
    /// run.
    fn skip_invalid(&self, error: Error) -> Result<()> {
        let unfit = matches!(error.kind(), ErrorKind::Decode | ErrorKind::Record);
        if self.mapper.on_invalid == OnInvalid::Skip && unfit {
            self.context.log(Level::Warn, &format!("skipped: {error}"), Value::Null);
            return Ok(());
        }
        Err(error)
    }
}

impl MappedPage {
    fn push(&mut self, i: usize, before: usize, newest: Option<Timestamp>) {
        self.newest = self.newest.max(newest);
        if self.batch.len() > before {
            self.ranges.push((i, before..self.batch.len()));
        }
    }
}

/// Returns the ids of the records that were skipped, because they exist at the provider although they do not fit. The
/// `id` of a raw record is used only if all valid records of the page confirm that it is their id; otherwise the walk
/// is incomplete.
fn ids_of_skipped(records: &[&str], mapped: &MappedPage, progress: &mut Progress) -> Vec<String> {
    if mapped.skipped_invalid.is_empty() {
        return Vec::new();
    }
    let ids: Vec<&str> = mapped.batch.iter().map(|item| item.id).collect();
    let is_id_confirmed = !mapped.ranges.is_empty()
        && mapped.ranges.iter().all(|(i, range)| match &ids[range.clone()] {
            [id] => raw_id(records[*i]).is_some_and(|raw| raw == *id),
            _ => false,
        });
    let mut seen = Vec::new();
    for i in &mapped.skipped_invalid {
        match raw_id(records[*i]).filter(|_| is_id_confirmed) {
            Some(id) => seen.push(id),
            None => progress.unread_id = true,
        }
    }
    seen
}

/// Returns the `id` of a raw record in the format of record ids.
fn raw_id(record: &str) -> Option<String> {
    match serde_json::from_str(path::lookup(record, "id")?.get()).ok()? {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}
