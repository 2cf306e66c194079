//! `nango.paginate(…)`: pages of a type.

use std::{fmt, future::Future, marker::PhantomData};

use futures_util::{
    future::BoxFuture,
    stream::{self, Stream},
};
use serde::de::DeserializeOwned;

use super::{PaginateError, SeenIds, Walk, WalkEnd, path};
use crate::{
    error::{Error, ErrorKind, Result},
    http::Response,
    json::{decode_str, short_name},
};

type OnPage = Box<dyn FnMut(Option<String>, Response) -> BoxFuture<'static, Result<()>> + Send>;

/// The pages of an endpoint, each a `Vec<T>`.
///
/// Dropping it asks for nothing more.
#[must_use = "pages are fetched by `next`"]
pub struct Pages<T> {
    walk: Result<Walk, Option<Error>>,
    on_page: Option<OnPage>,
    /// The page that the caller is working on: what leads to the next, and the answer.
    current: Option<(Option<String>, Response)>,
    seen: SeenIds,
    on_end: Option<OnEnd>,
    of: PhantomData<fn() -> T>,
}

/// Receives the end of a walk once: when its last page was read, or when it is dropped before.
type OnEnd = Box<dyn FnOnce(WalkEnd) + Send + Sync>;

impl<T: DeserializeOwned> Pages<T> {
    /// The pages of a walk, or of one that could not begin: then the first page is its error.
    pub fn new(walk: Result<Walk>) -> Self {
        Self {
            walk: walk.map_err(Some),
            on_page: None,
            current: None,
            seen: SeenIds::default(),
            on_end: None,
            of: PhantomData,
        }
    }

    /// Sets what receives the end of the walk.
    pub(crate) fn on_end(mut self, receive: impl FnOnce(WalkEnd) + Send + Sync + 'static) -> Self {
        self.on_end = Some(Box::new(receive));
        self
    }

    /// How the walk ended: whether its pages were the whole list, and why. `None` until [`next`](Self::next) returned
    /// `None`, or if the walk could not begin.
    pub fn end(&self) -> Option<WalkEnd> {
        self.walk.as_ref().ok().and_then(Walk::end)
    }

    /// What is awaited after every page: when the caller is done with it, and before the next is asked for. It is given
    /// what leads to the next page (a cursor, a URL or an offset; `None`: there is none) and the answer.
    ///
    /// ```no_run
    /// # use nango_core::prelude::*;
    /// # async fn walk(nango: Nango) -> Result<()> {
    /// let mut pages = nango
    ///     .paginate::<Value>(nango.get("/issues"), Paginate::provider())
    ///     .on_page(|next, response| async move {
    ///         println!("{}: {next:?}", response.status);
    ///         Ok(())
    ///     });
    /// # pages.next().await?; Ok(()) }
    /// ```
    pub fn on_page<F, Fut>(mut self, mut f: F) -> Self
    where
        F: FnMut(Option<String>, Response) -> Fut + Send + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.on_page = Some(Box::new(move |next, response| Box::pin(f(next, response))));
        self
    }

    /// The next page; `None` behind the last.
    ///
    /// # Errors
    ///
    /// The request failed, or a record is not a `T`: the error names its position and the field.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>> {
        if let Some(((next, response), on_page)) = self.current.take().zip(self.on_page.as_mut()) {
            on_page(next, response).await?;
        }
        let walk = match &mut self.walk {
            Ok(walk) => walk,
            Err(error) => return error.take().map_or(Ok(None), Err),
        };
        let next = walk.next().await;
        let Some(page) = next.map_err(|error| walk.error(error))? else {
            self.report_end();
            return Ok(None);
        };
        let raw_records = page.records().map_err(PaginateError::into_error)?;
        if page.is_position_based() {
            raw_records.iter().filter_map(|raw| path::lookup(raw, "id")).for_each(|id| self.seen.add(id.get()));
            if self.seen.end_page() {
                walk.note_shift();
            }
        }
        let mut records = Vec::new();
        for (i, raw) in raw_records.into_iter().enumerate() {
            records.push(decode_str(raw).map_err(|error| {
                let position =
                    format!("record {} of {} is no `{}`", i + 1, page.name(), short_name(std::any::type_name::<T>()));
                Error::new(ErrorKind::Decode, error).context(position)
            })?);
        }
        let next = page.next().map(str::to_owned);
        if self.on_page.is_some() {
            self.current = Some((next, page.response));
        }
        Ok(Some(records))
    }

    /// The pages as a stream, which ends behind the last page or the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Vec<T>>> + Send {
        stream::try_unfold(self, |mut pages| async move { Ok(pages.next().await?.map(|page| (page, pages))) })
    }
}

impl<T> Pages<T> {
    fn report_end(&mut self) {
        if let (Ok(walk), Some(receive)) = (&self.walk, self.on_end.take()) {
            receive(walk.end_or_stopped());
        }
    }
}

impl<T> Drop for Pages<T> {
    fn drop(&mut self) {
        self.report_end();
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("walk", &self.walk).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::TryStreamExt;
    use serde::Deserialize;

    use super::*;
    use crate::{
        declare::Paginate,
        http::{
            RequestSpec,
            mock::{MockTransport, json},
        },
    };

    #[derive(Debug, Deserialize)]
    struct Issue {
        id: u64,
    }

    fn pages(script: &MockTransport) -> Pages<Issue> {
        let paginate = Paginate::cursor("after", "next").response_path("items");
        let options = crate::paginate::WalkOptions::default();
        let walk = Walk::new(script.client("https://h.test"), RequestSpec::get("/issues"), Some(paginate), options);
        Pages::new(walk.map_err(PaginateError::into_error))
    }

    fn two() -> MockTransport {
        MockTransport::new([json(r#"{"items":[{"id":1},{"id":2}],"next":"b"}"#), json(r#"{"items":[{"id":3}]}"#)])
    }

    #[tokio::test]
    async fn on_page_runs_after_the_caller_is_done_with_the_page() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        let mut pages = pages(&two()).on_page(move |next, response| {
            log.lock().unwrap().push(format!("{next:?} {}", response.status));
            async { Ok(()) }
        });
        while let Some(page) = pages.next().await.unwrap() {
            seen.lock().unwrap().push(format!("{:?}", page.iter().map(|issue| issue.id).collect::<Vec<_>>()));
        }
        assert_eq!(*seen.lock().unwrap(), ["[1, 2]", "Some(\"b\") 200", "[3]", "None 200"]);
    }

    #[tokio::test]
    async fn a_stream_of_pages() {
        let pages: Vec<Vec<Issue>> = pages(&two()).into_stream().try_collect().await.unwrap();
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }

    #[tokio::test]
    async fn record_of_another_shape_is_reported_with_its_position() {
        let script = MockTransport::new([json(r#"{"items":[{"id":1},{"id":"x"}]}"#)]);
        let error = pages(&script).next().await.unwrap_err();
        let text =
            "record 2 of page 1 of GET https://h.test/issues is no `Issue`: `id`: invalid type: a string, expected u64";
        assert!(error.to_string().starts_with(text), "{error}");
        assert_eq!(error.kind(), ErrorKind::Decode);
    }

    #[tokio::test]
    async fn walk_that_cannot_begin_is_an_error_once() {
        let mut pages = Pages::<Issue>::new(Err(Error::msg("no")));
        assert_eq!(pages.next().await.unwrap_err().to_string(), "no");
        assert!(pages.next().await.unwrap().is_none());
    }
}
