//! Typed pages of a walk, returned by `nango.paginate(…)`.

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

/// Pages of an endpoint, each a `Vec<T>`.
///
/// A page is requested only by [`next`](Self::next); dropping the value ends the walk.
#[must_use = "pages are fetched by `next`"]
pub struct Pages<T> {
    walk: Result<Walk, Option<Error>>,
    on_page: Option<OnPage>,
    /// Page that the caller processes: the cursor of the next page, and the response.
    current: Option<(Option<String>, Response)>,
    seen: SeenIds,
    on_end: Option<OnEnd>,
    of: PhantomData<fn() -> T>,
}

/// Callback that receives the end of a walk once: after its last page, or when the walk is dropped before.
type OnEnd = Box<dyn FnOnce(WalkEnd) + Send + Sync>;

impl<T: DeserializeOwned> Pages<T> {
    /// Creates the pages of a walk. If the walk could not start, the first call of [`next`](Self::next) returns its
    /// error.
    pub(crate) fn new(walk: Result<Walk>) -> Self {
        Self {
            walk: walk.map_err(Some),
            on_page: None,
            current: None,
            seen: SeenIds::default(),
            on_end: None,
            of: PhantomData,
        }
    }

    /// Sets the callback that receives the end of the walk.
    pub(crate) fn on_end(mut self, receive: impl FnOnce(WalkEnd) + Send + Sync + 'static) -> Self {
        self.on_end = Some(Box::new(receive));
        self
    }

    /// Returns the end of the walk: whether its pages were the complete list, and why. `None` until
    /// [`next`](Self::next) returned `None`, or if the walk could not start.
    pub fn end(&self) -> Option<WalkEnd> {
        self.walk.as_ref().ok().and_then(Walk::end)
    }

    /// Sets a function that is awaited after every page: when the caller has processed it, and before the next page is
    /// requested. Its arguments are the cursor, URL or offset of the next page (`None` if there is none) and the
    /// response.
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

    /// Returns the next page, or `None` after the last one.
    ///
    /// # Errors
    ///
    /// Fails if the request fails or a record is not a `T`. The error contains the position of the record and the
    /// field.
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
                let position = format!(
                    "record {} of {} is not a valid `{}`",
                    i + 1,
                    page.name(),
                    short_name(std::any::type_name::<T>())
                );
                Error::new(ErrorKind::Decode, error).context(position)
            })?);
        }
        let next = page.next().map(str::to_owned);
        if self.on_page.is_some() {
            self.current = Some((next, page.response));
        }
        Ok(Some(records))
    }

    /// Converts to a stream, which ends after the last page or the first error.
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
            mock::{MockTransport, mock_json},
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
        MockTransport::new([
            mock_json(r#"{"items":[{"id":1},{"id":2}],"next":"b"}"#),
            mock_json(r#"{"items":[{"id":3}]}"#),
        ])
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
    async fn pages_are_converted_to_a_stream() {
        let pages: Vec<Vec<Issue>> = pages(&two()).into_stream().try_collect().await.unwrap();
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }

    #[tokio::test]
    async fn record_of_another_shape_is_reported_with_its_position() {
        let script = MockTransport::new([mock_json(r#"{"items":[{"id":1},{"id":"x"}]}"#)]);
        let error = pages(&script).next().await.unwrap_err();
        let text = "record 2 of page 1 of GET https://h.test/issues is not a valid `Issue`: `id`: invalid type: a string, expected u64";
        assert!(error.to_string().starts_with(text), "{error}");
        assert_eq!(error.kind(), ErrorKind::Decode);
    }

    #[tokio::test]
    async fn walk_that_cannot_start_is_an_error_once() {
        let mut pages = Pages::<Issue>::new(Err(Error::msg("no")));
        assert_eq!(pages.next().await.unwrap_err().to_string(), "no");
        assert!(pages.next().await.unwrap().is_none());
    }
}
