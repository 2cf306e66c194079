//! Recordings of the examples that read the lists of parents, or a feed. The answers come from the servers of
//! `example_apis` and `example_feeds`, which behave as the public documents of the APIs say.
//!
//! `NANGO_UPDATE_RECORDINGS=1 cargo test -p nango-tests --test suite -- example_recordings::` writes the recordings
//! that the examples replay, `integrations/tests/recordings/`.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use axum::Router;
use nango_tests::Registry;
use serde_json::{Value, json};

use crate::{
    example_apis::{Api, TOKEN, connected, shopify_orders, slack_messages::Workspace},
    example_feeds::{Feed, google_calendar, zendesk},
    sources,
};

fn recordings() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    root.join("integrations").join("tests").join("recordings")
}

/// Replays a recording without configuration, connection and network, and returns the report of the recorded run.
fn replayed(recording: &Path) -> Value {
    let replayed = Registry::new().json([Path::new("replay"), recording, Path::new("--json")]);
    assert_eq!((&replayed["equal"], &replayed["differences"]), (&json!(true), &json!([])), "{replayed:#}");
    replayed["report"].clone()
}

/// Records a run and checks its replay, and that the recording of the example has an equal report. Returns the report.
fn record(registry: &Registry, [integration, sync]: [&str; 2], name: &str) -> Value {
    let file = format!("{name}.jsonl");
    registry.run(["run", integration, sync, "--connection", "acme", "--record", &file]).expect(0);
    let new = registry.dir().join(&file);
    let text = fs::read_to_string(&new).expect("a recording");
    assert!(!text.contains(TOKEN), "{text}");
    let report = replayed(&new);
    let kept = recordings().join(&file);
    if env::var("NANGO_UPDATE_RECORDINGS").is_ok_and(|value| value == "1") {
        fs::write(&kept, text).expect("a recording that can be written");
    }
    assert_eq!(
        replayed(&kept),
        report,
        "{name}: the recording is outdated; write it as the module's documentation says"
    );
    report
}

#[test]
fn slack_messages_of_several_channels_are_replayed() {
    let api = Workspace::new([("C1", 0..5), ("C2", 0..1), ("C3", 0..0), ("C4", 0..2)], 2);
    let registry = connected("slack", "bearer", api.router(), "{}");
    registry.run(["run", "slack", "joined-channels", "--connection", "acme"]).expect(0);
    api.leave("C4");
    let dry_run = ["run", "slack", "messages", "--connection", "acme", "--dry-run", "--record", "dry-run.jsonl"];
    registry.run(dry_run).expect(0);
    assert_eq!(replayed(&registry.dir().join("dry-run.jsonl"))["dry_run"]["SlackMessage"]["total"], 6);
    let first = record(&registry, ["slack", "messages"], "slack-messages");
    assert_eq!((&first["models"]["SlackMessage"]["added"], &first["parents_skipped"]), (&json!(6), &json!(1)));
    api.post("C1");
    api.post("C2");
    let second = record(&registry, ["slack", "messages"], "slack-messages-new");
    assert_eq!(second["models"]["SlackMessage"]["added"], 2, "{second:#}");
}

/// Records a run that reads all records of a feed, and one that continues at its position.
fn check_feed(router: fn(&Feed) -> Router, [integration, sync, model]: [&str; 3], [first, second]: [&str; 2]) {
    let feed = Feed::of(5, 3);
    let registry = connected(integration, "bearer", router(&feed), "{}");
    let report = record(&registry, [integration, sync], first);
    assert_eq!((&report["models"][model]["added"], &report["pages"]), (&json!(5), &json!(2)));
    for (id, is_delete) in [(2, true), (6, false), (7, false), (4, false)] {
        feed.change(id, is_delete);
    }
    let report = record(&registry, [integration, sync], second);
    let counts = &report["models"][model];
    assert_eq!((&counts["added"], &counts["updated"], &counts["deleted"]), (&json!(2), &json!(1), &json!(1)));
}

#[test]
fn zendesk_tickets_from_a_position_are_replayed() {
    check_feed(zendesk, ["zendesk", "tickets", "ZendeskTicket"], ["zendesk-tickets", "zendesk-tickets-changes"]);
}

#[test]
fn google_calendar_events_from_a_sync_token_are_replayed() {
    let function = ["google-calendar", "events", "CalendarEvent"];
    check_feed(google_calendar, function, ["calendar-events", "calendar-events-changes"]);
}

#[test]
fn shopify_orders_with_a_removed_line_are_replayed() {
    let api = Api::of(5, 3);
    let registry = shopify_orders::shop(&api);
    let first = record(&registry, ["shopify", "orders"], "shopify-orders");
    let added = |model: &str| first["models"][model]["added"].as_u64();
    assert_eq!((added("ShopifyOrder"), added("ShopifyOrderLine")), (Some(5), Some(10)), "{first:#}");
    api.change(3);
    let second = record(&registry, ["shopify", "orders"], "shopify-orders-changes");
    let models = &second["models"];
    assert_eq!((&models["ShopifyOrder"]["updated"], &models["ShopifyOrderLine"]["deleted"]), (&json!(1), &json!(1)));
}

#[test]
fn every_recording_of_the_examples_has_a_test_and_no_secret() {
    let sources: Vec<_> =
        sources::all(&[".rs"]).into_iter().filter(|source| source.path.starts_with("integrations/")).collect();
    for entry in fs::read_dir(recordings()).expect("the recordings") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a recording");
        assert!(!text.contains(TOKEN) && !text.contains("\"authorization\""), "{}", path.display());
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let path_in_test = format!("tests/recordings/{name}");
        assert!(sources.iter().any(|source| source.text.contains(&path_in_test)), "no test replays {name}");
        replayed(&path);
    }
}
