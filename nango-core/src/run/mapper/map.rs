//! Mapping of a provider's page to a page commit.

use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::{
    list_walk::ListWalk,
    mapped_page::{MappedPage, ModelWrite},
    parents::ParentWalk,
    progress::Progress,
};
use crate::{
    declare::{BoxFuture, EachScope, Handle, MapRecord, OnInvalid, SharedMetadata},
    error::{Error, ErrorKind, Result},
    model::{MappedBatch, MappedLength},
    nango::{Nango, PageCommit},
    paginate::{PaginateError, RawPage},
    run::since,
    store::{Change, Level},
};

impl ListWalk<'_> {
    /// Maps a page to a commit.
    pub(super) async fn map_page(&self, page: &RawPage, progress: &mut Progress) -> Result<PageCommit> {
        let records = page.records().map_err(PaginateError::into_error)?;
        let mapped = self.map_records(&records, page.name()).await?;
        progress.pages += 1;
        progress.records += records.len() as u64;
        progress.first_date.get_or_insert_with(|| since::server_date(&page.response().headers, page.sent_at()));
        progress.newest = progress.newest.max(mapped.newest);
        if page.is_position_based() {
            mapped.batch.ids().for_each(|id| progress.ids.add(id));
            progress.shifted |= progress.ids.end_page();
        }
        let skipped_invalid = mapped.skipped_invalid.len() as u64;
        // The walks of all parents in a run are one full walk of the model.
        let number = self.parent.as_ref().map_or(progress.started_at.as_micros(), ParentWalk::number);
        let full_walk = progress.is_full().then_some(number);
        let parent_of_list = self.parent.as_ref().map(ParentWalk::key);
        let merging = self.run.def.merging;
        let change = |ModelWrite { model, parent, write }| Change {
            dataset: self.run.dataset(model),
            merging,
            full_walk,
            parent: parent.or(parent_of_list),
            write,
        };
        let is_feed = self.run.mapper.delta.is_some();
        let changes = mapped.into_writes(&records, is_feed, progress).into_iter().map(change).collect();
        Ok(PageCommit {
            changes,
            requested_at: Some(page.sent_at()),
            skipped_invalid,
            is_page: true,
            ..PageCommit::default()
        })
    }

    async fn map_records(&self, records: &[&str], page: &str) -> Result<MappedPage> {
        let mut mapped = MappedPage::default();
        let value_of = |record: &str| match &self.run.mapper.since {
            Some(since) => since::record_time(since, record),
            None => Ok(None),
        };
        let models = self.model_names();
        let with_position = |i: usize, error: Error| {
            let position = format!("record {} of {page}", i + 1);
            // The error of a record that does not fit names its type.
            let is_unfit = error.kind() == ErrorKind::Decode;
            error.context(if is_unfit { position } else { format!("{position} cannot become {models}") })
        };
        match self.bound()? {
            BoundMap::Plain(map) => {
                for (i, record) in records.iter().enumerate() {
                    let before = mapped.batch.length();
                    let done = map
                        .call(record, &mut mapped.batch)
                        .and_then(|()| self.check_sizes(&mapped.batch, &before))
                        .and_then(|()| value_of(record));
                    match done {
                        Ok(value) => mapped.push(i, &before, value),
                        Err(error) => {
                            mapped.batch.truncate(&before);
                            self.skip_invalid(with_position(i, error))?;
                            mapped.skipped_invalid.push(i);
                        }
                    }
                }
            }
            BoundMap::Async(records_at_once, map) => {
                let calls = records.iter().map(|record| map.call(self.handle(), record)).collect::<Vec<_>>();
                let mut done = stream::iter(calls).buffered(records_at_once).map(Ok::<_, Error>).enumerate();
                while let Some((i, batch)) = done.next().await {
                    let check = |batch| self.check_sizes(&batch, &MappedLength::default()).map(|()| batch);
                    let sized = batch?.and_then(check);
                    match sized.and_then(|batch| Ok((batch, value_of(records[i])?))) {
                        Ok((batch, value)) => {
                            let before = mapped.batch.length();
                            mapped.batch.append(batch);
                            mapped.push(i, &before, value);
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
    pub(super) async fn map_one(&self, record: &str) -> Result<MappedBatch> {
        let mut batch = MappedBatch::default();
        match self.bound()? {
            BoundMap::Plain(map) => map.call(record, &mut batch)?,
            BoundMap::Async(_, map) => batch = map.call(self.handle(), record).await?,
        }
        self.check_sizes(&batch, &MappedLength::default())?;
        Ok(batch)
    }

    /// Fails if a record that was mapped after a length is larger than the configured limit.
    fn check_sizes(&self, batch: &MappedBatch, after: &MappedLength) -> Result<()> {
        batch.check_added(after, &|batch, from| self.run.context.check_size(batch, from))
    }

    /// Returns the models of the mapper for errors.
    fn model_names(&self) -> String {
        match self.run.def.models {
            [model] => format!("a `{}`", model.name),
            models => {
                let names: Vec<_> = models.iter().map(|model| format!("`{}`", model.name)).collect();
                names.join(" and ")
            }
        }
    }

    fn handle(&self) -> Handle {
        Nango::new(self.run.context.clone()).into()
    }

    /// Returns the function of the mapper with the metadata or the parent that it takes.
    fn bound(&self) -> Result<BoundMap<'_>> {
        let metadata =
            || self.run.metadata.as_ref().ok_or_else(|| Error::msg("the metadata of the mapper was not read"));
        Ok(match self.run.mapper.map {
            MapRecord::Plain(map) => BoundMap::Plain(PlainMap::Without(map)),
            MapRecord::PlainWith { map, .. } => BoundMap::Plain(PlainMap::With(map, metadata()?)),
            MapRecord::Async { records_at_once, map } => BoundMap::Async(records_at_once, AsyncMap::Without(map)),
            MapRecord::AsyncWith { records_at_once, map, .. } => {
                BoundMap::Async(records_at_once, AsyncMap::With(map, metadata()?))
            }
            MapRecord::PlainEach(map) => BoundMap::Plain(PlainMap::Each(map, self.scope()?)),
            MapRecord::AsyncEach { records_at_once, map } => {
                BoundMap::Async(records_at_once, AsyncMap::Each(map, self.scope()?))
            }
        })
    }

    /// Returns the parent whose records are mapped, with the metadata.
    fn scope(&self) -> Result<&EachScope> {
        let parent = self.parent.as_ref().ok_or_else(|| Error::msg("a mapper with `each` needs a parent"))?;
        Ok(parent.scope())
    }

    /// Logs a record that does not fit, if the sync declares that such records are skipped; any other error fails the
    /// run.
    fn skip_invalid(&self, error: Error) -> Result<()> {
        let unfit = matches!(error.kind(), ErrorKind::Decode | ErrorKind::Record);
        if self.run.mapper.on_invalid == OnInvalid::Skip && unfit {
            self.run.context.log(Level::Warn, &format!("skipped: {error}"), Value::Null);
            return Ok(());
        }
        Err(error)
    }
}

/// Function of a mapper, and the metadata or the parent that it takes.
enum BoundMap<'a> {
    Plain(PlainMap<'a>),
    /// With the number of records that are mapped at the same time. Their order is kept.
    Async(usize, AsyncMap<'a>),
}

#[derive(Clone, Copy)]
enum PlainMap<'a> {
    Without(fn(&str, &mut MappedBatch) -> Result<()>),
    With(fn(&SharedMetadata, &str, &mut MappedBatch) -> Result<()>, &'a SharedMetadata),
    Each(fn(&EachScope, &str, &mut MappedBatch) -> Result<()>, &'a EachScope),
}

impl PlainMap<'_> {
    fn call(self, record: &str, batch: &mut MappedBatch) -> Result<()> {
        match self {
            Self::Without(map) => map(record, batch),
            Self::With(map, metadata) => map(metadata, record, batch),
            Self::Each(map, scope) => map(scope, record, batch),
        }
    }
}

#[derive(Clone, Copy)]
enum AsyncMap<'a> {
    Without(fn(Handle, Box<str>) -> BoxFuture<Result<MappedBatch>>),
    With(fn(SharedMetadata, Handle, Box<str>) -> BoxFuture<Result<MappedBatch>>, &'a SharedMetadata),
    Each(fn(EachScope, Handle, Box<str>) -> BoxFuture<Result<MappedBatch>>, &'a EachScope),
}

impl AsyncMap<'_> {
    fn call(self, handle: Handle, record: &str) -> BoxFuture<Result<MappedBatch>> {
        match self {
            Self::Without(map) => map(handle, Box::from(record)),
            Self::With(map, metadata) => map(metadata.clone(), handle, Box::from(record)),
            Self::Each(map, scope) => map(scope.clone(), handle, Box::from(record)),
        }
    }
}
