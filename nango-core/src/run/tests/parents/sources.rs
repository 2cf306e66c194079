//! Sources of parents: records of a model, and elements of a list in the metadata.

use super::*;
use crate::store::{MetadataChange, PruneUntil, ReadQuery, prune_all};

impl Fixture {
    async fn set_elements(&self, names: &[&str]) {
        let elements: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        let Value::Object(metadata) = json!({ "channels": elements, "other": names.len() }) else { unreachable!() };
        self.runtime.store.change_metadata("acme", "one", MetadataChange::Replace(metadata)).await.unwrap();
    }
}

#[tokio::test]
async fn elements_of_the_metadata_are_parents_and_duplicates_count_once() {
    let fixture = Messages { since: true, ..Messages::of_metadata() }.fixture(&["b", "a", "b"]).await;
    fixture.list("/messages/a", &["a1"], None);
    fixture.list("/messages/b", &["b1", "b2", "b3"], None);
    assert_eq!(fixture.walked().await, ["/messages/a", "/messages/b"]);
    fixture.set_elements(&["b"]).await;
    let requests = fixture.walked().await;
    assert!(requests.len() == 1 && requests[0].starts_with("/messages/b?since="), "{requests:?}");
    assert_eq!(
        fixture.message_ids().await,
        ["b1", "b2", "b3"],
        "an element that left the list takes its records along"
    );
    fixture.set_elements(&["a", "b"]).await;
    assert_eq!(fixture.walked().await[0], "/messages/a", "it starts anew");
}

#[tokio::test]
async fn interrupted_run_over_elements_continues_although_the_list_changed() {
    let fixture = Messages::of_metadata().fixture(&["a", "b", "c"]).await;
    fixture.list("/messages/a", &["a1"], None);
    fixture.fails("/messages/b", 500);
    fixture.run_messages().await;
    fixture.set_elements(&["a", "b", "c", "d"]).await;
    for channel in ["b", "c", "d"] {
        fixture.list(&format!("/messages/{channel}"), &[channel], None);
    }
    assert_eq!(fixture.walked().await, ["/messages/b", "/messages/c", "/messages/d"]);
}

#[tokio::test]
async fn record_of_another_variant_is_no_parent_unless_it_is_declared() {
    let parents = ParentSource::Model {
        model: Channel::RECORD,
        variant: Some("archive"),
        decode: |json| decode::<Channel>(json).map(SharedParent::new),
    };
    let fixture = Messages { parents, ..Messages::of_channels() }.fixture(&["a"]).await;
    assert_eq!(fixture.walked().await.len(), 0);
    let archive = RunRequest { variant: "archive".into(), ..Fixture::request(Target::Sync("channels".into())) };
    assert_succeeded(&fixture.run(archive).await.unwrap());
    fixture.list("/messages/a", &["a1"], None);
    assert_eq!(fixture.walked().await, ["/messages/a"]);
}

#[tokio::test]
async fn dry_run_walks_the_stored_parents_and_changes_nothing() {
    let fixture = Messages::of_channels().fixture(&["a", "b"]).await;
    fixture.list("/messages/a", &["a1"], None);
    fixture.list("/messages/b", &["b1"], None);
    let dry = RunRequest { dry_run: true, ..Fixture::request(Target::Sync("messages".into())) };
    let (report, requests) = fixture.messages_with(dry).await;
    assert_succeeded(&report);
    assert_eq!(requests, ["/messages/a", "/messages/b"]);
    let records = report.dry_records.unwrap();
    assert_eq!((records.len(), records["Message"].total), (1, 2), "the parents are not listed");
    assert_eq!(fixture.message_ids().await.len(), 0);
}

#[tokio::test]
async fn parent_without_payload_is_skipped_and_keeps_its_children() {
    let fixture = Messages::of_channels().fixture(&["a", "b"]).await;
    fixture.list("/messages/a", &["a1"], None);
    fixture.list("/messages/b", &["b1"], None);
    fixture.walked().await;
    let (store, channels) = (&fixture.runtime.store, Fixture::dataset("Channel"));
    let first = store.read(&channels, ReadQuery { limit: 1, ..ReadQuery::default() }).await.unwrap();
    prune_all(store, &channels, PruneUntil::Cursor(first.next_cursor.unwrap())).await.unwrap();
    let (report, requests) = fixture.run_messages().await;
    assert_succeeded(&report);
    assert_eq!((requests, counts(&report)), (vec!["/messages/b".to_owned()], (1, 1)));
    assert_eq!(fixture.log_lines(&report, "skipped parent `a`: the payload of its record was removed").await, 1);
    assert_eq!(fixture.message_ids().await, ["a1", "b1"]);
    // A record that is restored has a payload.
    fixture.set_channels(&["b"]).await;
    fixture.set_channels(&["a", "b"]).await;
    assert_eq!(fixture.walked().await, ["/messages/a", "/messages/b"]);
}

#[tokio::test]
async fn run_fails_if_no_parent_has_a_payload() {
    let fixture = Messages::of_channels().fixture(&["a", "b"]).await;
    let until = PruneUntil::Before(crate::time::Timestamp::MAX);
    prune_all(&fixture.runtime.store, &Fixture::dataset("Channel"), until).await.unwrap();
    let (report, requests) = fixture.run_messages().await;
    assert_eq!((report.status, requests.len(), counts(&report)), (RunStatus::Error, 0, (0, 2)));
    let error = report.error.unwrap().to_string();
    let expect = "the list of none of 2 parents could be read; the first error: the payload of its record was removed";
    assert!(error.starts_with(expect), "{error}");
}
