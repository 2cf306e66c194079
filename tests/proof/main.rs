//! A `registry` with functions for tests: syncs and actions of an API without a vendor.
//!
//! The commands are the product's own; this file contains the minimum that a customer would write. The API behind the
//! syncs is `nango_tests::upstream`, the one behind the actions `nango_tests::oauth`.

use std::process::ExitCode;

/// Functions of the integration `proof`.
mod proof {
    use std::{collections::BTreeMap, future::IntoFuture};

    use nango_core::prelude::*;

    /// A minimal record: an id and a text.
    #[model]
    struct Item {
        /// Identifier of the item.
        id: String,
        /// Content that changes.
        text: String,
    }

    /// A part of an item. An item with another text may have another part.
    #[model]
    struct ItemPart {
        /// Identifier of the item, and the length of its text.
        id: String,
        /// Content of the item.
        text: String,
    }

    impl Item {
        fn part(&self) -> ItemPart {
            ItemPart { id: format!("{}/{}", self.id, self.text.len()), text: self.text.clone() }
        }
    }

    /// Syncs the items and their parts with a mapper over token pagination.
    #[sync(
        models("Item", "ItemPart"),
        endpoint = "/items",
        paginate(
            cursor(name = "after", path = "next"),
            limit = 100,
            limit_name = "limit",
            response_path = "items",
            // The cursor is the id of the last record, a digit string that would count as an offset otherwise.
            pagination = "token"
        ),
        track_deletes
    )]
    fn items(item: Item) -> (Item, Children<ItemPart>) {
        let part = Children::of(&item.id, [item.part()]);
        (item, part)
    }

    /// A record of one of several lists.
    #[model]
    struct Reply {
        /// Identifier of the reply.
        id: String,
        /// Content that changes.
        text: String,
    }

    /// Settings of a connection.
    #[model]
    struct Lists {
        /// Names of the lists of replies.
        lists: Vec<String>,
    }

    /// Syncs the replies of each list.
    #[sync(
        model = "Reply",
        metadata = Lists,
        each = metadata.lists,
        parents_at_once = 3,
        endpoint = "/{each}",
        paginate(
            cursor(name = "after", path = "next"),
            limit = 40,
            limit_name = "limit",
            response_path = "items",
            pagination = "token"
        ),
        track_deletes
    )]
    fn replies(_list: &str, reply: Reply) -> Reply {
        reply
    }

    /// An order of a list.
    #[model]
    struct Order {
        /// Identifier of the order.
        id: String,
        /// Content that changes.
        text: String,
    }

    /// A line of an order. An order with another text has another line.
    #[model]
    struct Line {
        /// Identifier of the order, and the length of its text.
        id: String,
        /// Content of the order.
        text: String,
    }

    /// Syncs the orders and their lines, which are deleted by the ends of their scans.
    #[sync(
        models("Order", "Line"),
        endpoint = "/orders",
        paginate(
            cursor(name = "after", path = "next"),
            limit = 100,
            limit_name = "limit",
            response_path = "items",
            pagination = "token"
        ),
        track_deletes
    )]
    fn orders(order: Order) -> (Order, Vec<Line>) {
        let line = Line { id: format!("{}/{}", order.id, order.text.len()), text: order.text.clone() };
        (order, vec![line])
    }

    /// A record of the feed.
    #[model]
    struct Entry {
        /// Identifier of the entry.
        id: String,
        /// Content that changes.
        text: String,
    }

    /// A change in the feed; without a text the entry is deleted.
    #[derive(Deserialize)]
    struct EntryChange {
        id: String,
        text: Option<String>,
    }

    /// Syncs the entries with a feed of changes.
    #[sync(
        model = "Entry",
        endpoint = "/entries/changes",
        paginate(limit = 100, limit_name = "limit", response_path = "changes"),
        delta(param = "cursor", path = "after", initial("start" = 0), end = "done"),
        track_deletes
    )]
    fn entries(change: EntryChange) -> Change<Entry> {
        match change.text {
            Some(text) => Change::Save(Entry { id: change.id, text }),
            None => Change::Delete(change.id),
        }
    }

    /// A webhook payload about one item; without a text the item is deleted.
    #[model]
    struct ItemEvent {
        /// Identifier of the item.
        id: String,
        /// New text of the item.
        text: Option<String>,
    }

    /// Applies a webhook payload to its item.
    #[on_webhook(items, "changed")]
    async fn apply_item_event(nango: NangoSync, event: ItemEvent) -> Result<()> {
        let ItemEvent { id, text } = event;
        let page = match text {
            Some(text) => {
                let item = Item { id: id.clone(), text };
                nango.page().save([&item]).replace_children(&id, [item.part()])
            }
            None => nango.page().delete::<Item>([&id]).replace_children(&id, Vec::<ItemPart>::new()),
        };
        page.commit().await?;
        Ok(())
    }

    /// The same records under another name, for the hand-written sync.
    #[model]
    struct Note {
        /// Identifier of the note.
        id: String,
        /// Content that changes.
        text: String,
    }

    /// A page of notes.
    #[model]
    struct Notes {
        /// Notes on this page.
        items: Vec<Note>,
        /// Token of the next page.
        next: Option<String>,
    }

    /// Position of the walk.
    #[checkpoint]
    struct NotesCheckpoint {
        /// Last note that was saved.
        after: String,
    }

    /// Syncs the notes with an explicit loop, checkpoint and scan.
    #[sync(model = "Note", checkpoint = NotesCheckpoint)]
    async fn notes(nango: NangoSync) -> Result<()> {
        let scan = nango.full_scan::<Note>().await?;
        let mut after = nango.checkpoint().await?.map(|checkpoint| checkpoint.after);
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

    /// A record with fields for every JSON type.
    #[model]
    struct Thing {
        /// Identifier of the thing.
        id: String,
        /// An unsigned integer.
        whole: u64,
        /// A floating-point number.
        float: f64,
        /// A text value.
        text: String,
        /// Any other JSON.
        map: BTreeMap<String, Value>,
    }

    /// Syncs the things without change.
    #[sync(
        model = "Thing",
        endpoint = "/things",
        paginate(cursor(name = "after", path = "next"), response_path = "items")
    )]
    fn things(thing: Thing) -> Thing {
        thing
    }

    /// A thing that is skipped if it is invalid.
    #[model]
    struct FittingThing {
        /// Identifier of the thing.
        id: String,
        /// Any other JSON.
        map: BTreeMap<String, Value>,
    }

    /// Syncs the things, without invalid ones.
    #[sync(
        model = "FittingThing",
        endpoint = "/things",
        paginate(cursor(name = "after", path = "next"), response_path = "items"),
        on_invalid = "skip"
    )]
    fn fitting_things(thing: FittingThing) -> FittingThing {
        thing
    }

    /// Number of concurrent requests.
    #[model]
    struct RequestCount {
        /// Number of requests.
        requests: u32,
    }

    /// Results of concurrent requests.
    #[model]
    struct RequestOutcomes {
        /// Number of successful requests.
        succeeded: u32,
        /// Number of occurrences of each error.
        errors: BTreeMap<String, u32>,
    }

    /// Returns the JSON of the API's response.
    #[action]
    async fn raw(nango: NangoAction) -> Result<Value> {
        nango.get("/raw").json().await
    }

    /// Sends many requests concurrently.
    #[action]
    async fn send_requests(nango: NangoAction, count: RequestCount) -> Result<RequestOutcomes> {
        let requests = (0..count.requests).map(|_| nango.get("/crowd").into_future());
        run_all_and_count(requests).await
    }

    /// Forces many token refreshes concurrently.
    #[action]
    async fn renew(nango: NangoAction, count: RequestCount) -> Result<RequestOutcomes> {
        let refreshes = (0..count.requests).map(|_| nango.connection().force_refresh().into_future());
        run_all_and_count(refreshes).await
    }

    /// Runs all futures concurrently, and counts their results.
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
