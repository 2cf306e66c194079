//! A `registry` with functions that only tests want: syncs of an API that has no vendor.
//!
//! The commands are the product's own; what stands here is the least that a customer would write. The API behind the
//! syncs is `nango_tests::upstream`, the one behind the actions `nango_tests::oauth`.

use std::process::ExitCode;

/// The integration `proof`.
mod proof {
    use std::{collections::BTreeMap, future::IntoFuture};

    use nango_core::prelude::*;

    /// A record as small as one can be.
    #[model]
    struct Item {
        /// Its id.
        id: String,
        /// What changes.
        text: String,
    }

    /// The items, as one mapping over token cursors.
    #[sync(
        model = "Item",
        endpoint = "/items",
        paginate(
            cursor(name = "after", path = "next"),
            limit = 100,
            limit_name = "limit",
            response_path = "items",
            // The cursor is the id of the last record, which only looks like a number.
            pagination = "token"
        ),
        track_deletes
    )]
    fn items(item: Item) -> Item {
        item
    }

    /// An item that a webhook tells of; without a text it is gone.
    #[model]
    struct ItemEvent {
        /// The item's id.
        id: String,
        /// Its new text.
        text: Option<String>,
    }

    /// Applies what a webhook tells of an item.
    #[on_webhook(items, "told")]
    async fn apply_item_event(nango: NangoSync, event: ItemEvent) -> Result<()> {
        match event.text {
            Some(text) => nango.batch_save([Item { id: event.id, text }]).await?,
            None => nango.batch_delete::<Item>([event.id]).await?,
        };
        Ok(())
    }

    /// The same records under another name, for the sync that is written by hand.
    #[model]
    struct Note {
        /// Its id.
        id: String,
        /// What changes.
        text: String,
    }

    /// A page of notes.
    #[model]
    struct Notes {
        /// The notes.
        items: Vec<Note>,
        /// Where the next page begins.
        next: Option<String>,
    }

    /// How far the walk has come.
    #[checkpoint]
    struct NotesCheckpoint {
        /// The last note that was saved.
        after: String,
    }

    /// The notes, with the loop, the checkpoint and the scan written out.
    #[sync(model = "Note", checkpoint = NotesCheckpoint)]
    async fn notes(nango: NangoSync) -> Result<()> {
        let scan = nango.full_scan::<Note>().await?;
        let mut after = nango.checkpoint().await?.map(|place| place.after);
        loop {
            let mut request = nango.get("/notes").query("limit", 100);
            if let Some(after) = &after {
                request = request.query("after", after);
            }
            let page: Notes = request.json().await?;
            let Some(next) = page.next else {
                nango.batch_save(page.items).await?;
                break;
            };
            nango.page().save(page.items).checkpoint(NotesCheckpoint { after: next.clone() }).commit().await?;
            after = Some(next);
        }
        scan.finish().await?;
        nango.clear_checkpoint().await
    }

    /// A record that takes whatever JSON has.
    #[model]
    struct Thing {
        /// Its id.
        id: String,
        /// A whole number.
        whole: u64,
        /// A number with a fraction.
        float: f64,
        /// Text.
        text: String,
        /// Anything else.
        map: BTreeMap<String, Value>,
    }

    /// The things, as they are.
    #[sync(
        model = "Thing",
        endpoint = "/things",
        paginate(cursor(name = "after", path = "next"), response_path = "items")
    )]
    fn things(thing: Thing) -> Thing {
        thing
    }

    /// A thing that is left out where it does not fit.
    #[model]
    struct FittingThing {
        /// Its id.
        id: String,
        /// Anything else.
        map: BTreeMap<String, Value>,
    }

    /// The things, without those that do not fit.
    #[sync(
        model = "FittingThing",
        endpoint = "/things",
        paginate(cursor(name = "after", path = "next"), response_path = "items"),
        on_invalid = "skip"
    )]
    fn fitting_things(thing: FittingThing) -> FittingThing {
        thing
    }

    /// How many requests are made at once.
    #[model]
    struct RequestCount {
        /// So many.
        requests: u32,
    }

    /// What came of a crowd.
    #[model]
    struct RequestOutcomes {
        /// How many were answered well.
        succeeded: u32,
        /// How often each error came.
        errors: BTreeMap<String, u32>,
    }

    /// Gives whatever JSON the API answers.
    #[action]
    async fn raw(nango: NangoAction) -> Result<Value> {
        nango.get("/raw").json().await
    }

    /// Makes many requests at once.
    #[action]
    async fn send_requests(nango: NangoAction, count: RequestCount) -> Result<RequestOutcomes> {
        let requests = (0..count.requests).map(|_| nango.get("/crowd").into_future());
        run_all_and_count(requests).await
    }

    /// Renews the token, many times at once.
    #[action]
    async fn renew(nango: NangoAction, count: RequestCount) -> Result<RequestOutcomes> {
        let refreshes = (0..count.requests).map(|_| nango.connection().force_refresh().into_future());
        run_all_and_count(refreshes).await
    }

    /// Lets all of them run at the same time, and counts what comes of them.
    async fn run_all_and_count<F, T>(all: impl Iterator<Item = F>) -> Result<RequestOutcomes>
    where
        F: Future<Output = Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let running: Vec<_> = all.map(tokio::spawn).collect();
        let mut outcomes = RequestOutcomes { succeeded: 0, errors: BTreeMap::new() };
        for one in running {
            match one.await {
                Ok(Ok(_)) => outcomes.succeeded += 1,
                Ok(Err(error)) => *outcomes.errors.entry(format!("{error:#}")).or_default() += 1,
                Err(panic) => return Err(ActionError::new(panic.to_string()).into()),
            }
        }
        Ok(outcomes)
    }
}

fn main() -> ExitCode {
    nango_core::main()
}
