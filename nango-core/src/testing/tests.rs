//! Tests of the mock: runs of every kind of function, and the answers of the provider.

use std::{panic::AssertUnwindSafe, time::Duration};

use super::Mock;
use crate::{ErrorKind, prelude::*};

mod acme {
    use crate::prelude::*;

    /// Record of the test syncs.
    #[model]
    pub(super) struct Thing {
        /// Id of the thing.
        pub id: u64,
        /// Name of the thing.
        pub name: String,
    }

    /// Metadata of the test syncs.
    #[model]
    pub(super) struct Space {
        /// Space of the things.
        pub space: String,
    }

    /// Checkpoint of a test sync.
    #[checkpoint]
    pub(super) struct Position {
        /// Number of the next page.
        pub page: u32,
    }

    /// Syncs the things of a space.
    #[sync(
        integration = "mocked",
        model = "Thing",
        metadata = Space,
        endpoint = "/{space}/things",
        paginate(cursor(name = "after", path = "next"), response_path = "items"),
        track_deletes
    )]
    pub(super) fn things(thing: Thing) -> Option<Thing> {
        (thing.name != "hidden").then_some(thing)
    }

    /// Syncs changed things.
    #[sync(
        integration = "mocked",
        model = "Thing",
        endpoint = "/changed",
        since(param = "since", full_every = "7d"),
        on_invalid = "skip"
    )]
    pub(super) fn changed_things(thing: Thing) -> Thing {
        thing
    }

    /// Reads the page of the checkpoint.
    #[sync(integration = "mocked", model = "Thing", checkpoint = Position)]
    pub(super) async fn one_page(nango: NangoSync) -> Result<()> {
        let Position { page } = nango.checkpoint().await?.unwrap_or(Position { page: 1 });
        let things: Vec<Thing> = nango.get("/pages").query("page", page).json().await?;
        nango.log(format!("{} things on page {page}", things.len())).warn();
        nango.page().save(things).checkpoint(Position { page: page + 1 }).commit().await?;
        Ok(())
    }

    /// Creates a thing, and triggers the sync of changes.
    #[action(integration = "mocked")]
    pub(super) async fn create_thing(nango: NangoAction, thing: Thing) -> Result<Thing> {
        let created = nango.post("/things").body(&thing).json().await?;
        nango.update_metadata(&json!({ "last": thing.name })).await?;
        Ok(created)
    }

    /// Saves the thing of a webhook.
    #[on_webhook(things, "thing.changed")]
    pub(super) async fn thing_changed(nango: NangoSync, thing: Thing) -> Result<()> {
        nango.batch_save([thing]).await?;
        Ok(())
    }

    /// Creates the first thing and syncs.
    #[on_event(post_connection_creation, integration = "mocked")]
    pub(super) async fn first_thing(nango: NangoAction) -> Result<()> {
        nango.trigger(create_thing, Thing { id: 1, name: "first".into() }).await?;
        nango.trigger_sync("changed-things")
    }
}

use acme::{Position, Thing, changed_things, create_thing, first_thing, one_page, thing_changed, things};

fn thing(id: u64, name: &str) -> Value {
    json!({ "id": id, "name": name })
}

async fn names(mock: &Mock) -> Vec<String> {
    mock.saved::<Thing>().await.into_iter().map(|thing| thing.name).collect()
}

fn panic_message(run: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(AssertUnwindSafe(run)).expect_err("a panic");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[tokio::test]
async fn mapper_is_run_with_endpoint_pages_and_deletes() -> Result<()> {
    let mock = Mock::new()
        .metadata(json!({ "space": "a b" }))
        .reply("/a%20b/things", json!({ "items": [thing(1, "one"), thing(2, "hidden")], "next": "x" }))
        .on("GET", "/a%20b/things?after=x")
        .reply(json!({ "items": [thing(3, "three"), thing(4, "four")], "next": null }));

    let report = mock.run(things).await?;
    assert_eq!((report.counts::<Thing>().added, report.pages(), report.is_complete()), (3, 2, true));
    assert_eq!(report.end_of_walk(), Some("no_next_page"));
    assert_eq!(mock.received_requests()[1].query("after"), Some("x"));

    let mock = mock.reply("/a%20b/things", json!({ "items": [thing(1, "one"), thing(3, "new")] }));
    let counts = mock.run(things).await?.counts::<Thing>();
    assert_eq!((counts.unchanged, counts.updated, counts.deleted), (1, 1, 1));
    assert_eq!(
        (names(&mock).await, mock.deleted::<Thing>().await),
        (vec!["one".into(), "new".into()], vec!["4".into()])
    );
    Ok(())
}

#[tokio::test]
async fn guarded_deletes_are_deferred_until_they_are_allowed() -> Result<()> {
    let mock = Mock::new()
        .metadata(json!({ "space": "a" }))
        .reply("/a/things", json!({ "items": [thing(1, "one"), thing(2, "two")] }))
        .reply("/a/things", json!({ "items": [] }))
        .always();
    mock.run(things).await?;
    let report = mock.run(things).await?;
    assert_eq!((report.counts::<Thing>().deleted, report.deferred_deletes::<Thing>()), (0, 2));
    assert_eq!(mock.run(things).allow_deletes().await?.counts::<Thing>().deleted, 2);
    Ok(())
}

#[tokio::test]
async fn interrupted_and_failed_walks_are_resumed() -> Result<()> {
    let page = |ids: [u64; 2], next: &str| json!({ "items": ids.map(|id| thing(id, "x")), "next": next });
    let mock = Mock::new()
        .metadata(json!({ "space": "a" }))
        .reply("/a/things", page([1, 2], "b"))
        .on("GET", "/a/things?after=b")
        .cancel()
        .on("GET", "/a/things?after=b")
        .reply(page([3, 4], "c"))
        .on("GET", "/a/things?after=c")
        .lose_connection()
        .on("GET", "/a/things?after=c")
        .reply(json!({ "items": [] }));

    let report = mock.run(things).report().await?;
    assert!(report.is_interrupted() && report.is_resumable(), "{report:?}");
    assert_eq!(report.error().map(Error::kind), Some(ErrorKind::Interrupted));
    let failed = mock.run(things).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Network);
    assert!(mock.run(things).await?.is_complete());
    assert_eq!(names(&mock).await.len(), 4);
    assert!(mock.logs().iter().any(|line| line.message.starts_with("resuming the walk")), "{:?}", mock.logs());
    mock.finish();
    Ok(())
}

#[tokio::test]
async fn run_after_cancel_is_interrupted_and_the_next_one_is_not() -> Result<()> {
    let mock = Mock::new().reply("/pages", json!([]));
    mock.cancel();
    assert!(mock.run(one_page).report().await?.is_interrupted());
    mock.run(one_page).await?;
    Ok(())
}

#[tokio::test]
async fn since_sends_the_date_of_the_last_run_until_a_full_run_is_due() -> Result<()> {
    let mock = Mock::new()
        .on("GET", "/changed")
        .reply_headers(200, &[("date", "Fri, 01 Jan 2021 00:00:00 GMT")], json!([thing(1, "one"), { "id": 2 }]))
        .reply("/changed", json!([]))
        .always();
    assert_eq!(mock.run(changed_things).await?.skipped_invalid(), 1);
    mock.run(changed_things).await?;
    mock.advance(Duration::from_hours(24 * 7));
    mock.run(changed_things).await?;
    mock.run(changed_things).full().await?;
    let received = mock.received_requests();
    assert_eq!(received[1].query("since"), Some("2021-01-01T00:00:00Z"));
    let sent: Vec<bool> = received.iter().map(|request| request.query("since").is_some()).collect();
    assert_eq!(sent, [false, true, false, false]);
    Ok(())
}

#[tokio::test]
async fn checkpoint_is_set_read_and_logged() -> Result<()> {
    let mock = Mock::new()
        .start_at(Position { page: 7 })
        .on("GET", "/pages")
        .query("page", 7)
        .reply(json!([thing(1, "one")]))
        .on("GET", "/pages?page=1")
        .reply(json!([]));
    assert_eq!(mock.checkpoint::<Position>().await, None);
    mock.run(one_page).await?;
    assert_eq!(mock.checkpoint::<Position>().await, Some(Position { page: 8 }));
    let line = &mock.logs()[0];
    assert_eq!((line.level.name(), line.message.as_str()), ("warn", "1 things on page 7"));
    mock.run(one_page).reset().await?;
    assert_eq!(mock.checkpoint::<Position>().await, Some(Position { page: 2 }));

    let mock = Mock::new().start_at(Position { page: 3 }).on("GET", "/pages?page=3").reply(json!([]));
    one_page(mock.nango()).await?;
    assert_eq!(mock.checkpoint::<Position>().await, Some(Position { page: 4 }));
    Ok(())
}

#[tokio::test]
async fn action_returns_its_output_or_its_error() -> Result<()> {
    let mock = Mock::new()
        .metadata(json!({ "region": "eu" }))
        .on("post", "/things")
        .body(thing(5, "five"))
        .header("Content-Type", "application/json")
        .reply_with(201, thing(5, "five"))
        .reply_with("/things", 409, json!({}));
    let created: Thing = mock.run(create_thing).input(Thing { id: 5, name: "five".into() }).await?.output();
    assert_eq!(created.name, "five");
    assert_eq!(mock.current_metadata().await, json!({ "region": "eu", "last": "five" }));
    let refused = mock.run(create_thing).input(thing(6, "six")).await.unwrap_err();
    assert_eq!(refused.http().map(|http| http.status), Some(409));
    let invalid = mock.run(create_thing).input(json!({ "id": "six" })).await.unwrap_err();
    assert!(invalid.to_string().contains("`id`"), "{invalid}");
    Ok(())
}

#[tokio::test]
async fn webhook_is_delivered_with_its_type() -> Result<()> {
    let mock = Mock::new();
    let report = mock.run(thing_changed).webhook("thing.changed", thing(1, "one")).await?;
    assert_eq!((report.counts::<Thing>().added, names(&mock).await), (1, vec!["one".to_owned()]));
    let unknown = mock.run(thing_changed).webhook("thing.change", thing(1, "one")).report().await.unwrap_err();
    assert!(unknown.to_string().contains("did you mean `thing.changed`?"), "{unknown}");
    Ok(())
}

#[tokio::test]
async fn event_function_runs_the_functions_that_it_triggers() -> Result<()> {
    let mock = Mock::new().reply("/things", thing(1, "first")).reply("/changed", json!([thing(1, "first")]));
    assert_eq!(mock.run(first_thing).await?.triggered(), ["changed-things"]);
    assert_eq!(names(&mock).await, ["first"]);
    Ok(())
}

#[tokio::test]
async fn direct_call_and_run_share_records_and_metadata() -> Result<()> {
    let mock = Mock::new().record(Thing { id: 1, name: "old".into() }).await.metadata(json!({ "space": "a" }));
    thing_changed(mock.nango(), Thing { id: 1, name: "new".into() }).await?;
    let mock = mock.reply("/a/things", json!({ "items": [thing(1, "new")] }));
    assert_eq!(mock.run(things).await?.counts::<Thing>().unchanged, 1);
    Ok(())
}

#[tokio::test]
async fn provider_of_the_integration_is_the_default() -> Result<()> {
    let mock = Mock::new().provider("github").reply("/pages", json!([]));
    mock.run(one_page).await?;
    assert_eq!(mock.received_requests()[0].header("accept"), Some("application/vnd.github+json"));
    Ok(())
}

#[tokio::test]
async fn request_without_answer_names_the_nearest_one() {
    let mock =
        Mock::new().reply("/other", json!({})).on("POST", "/things?a=1").body(json!({ "id": 2 })).reply(json!({}));
    let error = mock.run(create_thing).input(thing(1, "one")).await.unwrap_err().to_string();
    let expect = "the mock has no answer for POST /things with the body {\"id\":1,\"name\":\"one\"}; the nearest one \
                  left is `POST /things?a=1 with the body {\"id\":2}`, but the query has no `a`, `id` in the body is 1 \
                  instead of 2; left: `/other`, `POST /things?a=1 with the body {\"id\":2}`";
    assert!(error.contains(expect), "{error}");
    let unused = panic_message(|| mock.finish());
    assert!(unused.starts_with("the mock has answers that no request received: `/other`, `POST /things"), "{unused}");
    assert!(unused.contains("; an earlier error is: the mock has no answer for POST /things"), "{unused}");
}

#[tokio::test]
async fn answer_is_used_once_unless_it_is_repeated() {
    let mock = Mock::new().reply("/pages", json!([]));
    mock.run(one_page).await.unwrap();
    let error = mock.run(one_page).await.unwrap_err().to_string();
    assert!(error.contains("/pages?page=2; one was used before"), "{error}");
    assert!(error.ends_with("no answer is left"), "{error}");
    let mock = mock.reply("/pages", json!([])).always();
    for _ in 0..3 {
        mock.run(one_page).await.unwrap();
    }
}

#[test]
fn unused_answer_fails_the_test_when_the_mock_is_dropped() {
    let mock = Mock::new().reply("/a", json!({})).on("POST", "/b").query("c", true).reply(json!({}));
    let message = panic_message(|| drop(mock));
    assert_eq!(message, "the mock has answers that no request received: `/a`, `POST /b?c=true`");
    drop(Mock::new().reply("/a", json!({})).always());
}

#[tokio::test]
async fn function_that_cannot_be_run_is_named() {
    fn plain() {}
    let mock = Mock::new();
    let message = panic_message(|| drop(mock.run(plain)));
    assert!(message.contains("plain` is not an annotated function"), "{message}");
    let message = panic_message(|| drop(mock.run(things).input(1)));
    assert_eq!(message, "`things` has no input: it is not an `#[action]`");
    let message = panic_message(|| drop(mock.run(things).webhook("a", 1)));
    assert_eq!(message, "`things` receives no webhook: it has no `#[on_webhook]`");
    let run = std::panic::AssertUnwindSafe(mock.run(thing_changed).report());
    let panic = futures_util::FutureExt::catch_unwind(run).await.unwrap_err();
    assert_eq!(
        panic.downcast_ref::<String>().map(String::as_str),
        Some("`thing-changed` handles webhooks: add `.webhook(\"thing.changed\", payload)`")
    );
}
