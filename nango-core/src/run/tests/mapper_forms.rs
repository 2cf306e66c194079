//! Tests of what mappers take and return: metadata, changes, several records at once.

use super::*;
use crate::prelude::*;

/// Test record of this module.
#[model]
struct Ticket {
    /// Id of the ticket.
    id: u64,
    /// Text of the ticket.
    text: String,
}

/// Ticket of the API.
#[derive(serde::Deserialize)]
struct ApiTicket {
    id: u64,
    status: String,
}

/// Metadata with a prefix.
#[model]
struct Prefix {
    /// Text in front of each ticket.
    prefix: String,
}

fn ticket(id: u64, text: &str) -> Ticket {
    Ticket { id, text: text.to_owned() }
}

fn change(ticket: &ApiTicket, text: &str) -> Change<Ticket> {
    match ticket.status.as_str() {
        "deleted" => Change::Delete(ticket.id),
        "kept" => Change::Keep(ticket.id),
        "skipped" => Change::Skip,
        _ => Change::Save(Ticket { id: ticket.id, text: text.to_owned() }),
    }
}

/// Returns one change for each record.
#[sync(
    integration = "acme",
    model = "Ticket",
    endpoint = "/tickets",
    track_deletes,
    confirm_deletes(get = "/tickets/{record.id}")
)]
fn one_change(raw: ApiTicket) -> Change<Ticket> {
    change(&raw, &raw.status)
}

/// Returns one change for each record, without deletes of what a walk misses.
#[sync(integration = "acme", model = "Ticket", endpoint = "/tickets", on_invalid = "skip")]
fn many_changes(raw: Vec<ApiTicket>) -> Result<Vec<Change<Ticket>>> {
    Ok(raw.iter().map(|raw| change(raw, &raw.status)).collect())
}

/// Adds the prefix of the metadata.
#[sync(integration = "acme", model = "Ticket", endpoint = "/tickets", metadata = Prefix)]
fn prefixed(raw: ApiTicket, metadata: &Prefix) -> Ticket {
    ticket(raw.id, &format!("{} {}", metadata.prefix, raw.status))
}

/// Uses the metadata, the handle and requests.
#[sync(integration = "acme", model = "Ticket", endpoint = "/tickets", metadata = Prefix, records_at_once = 2)]
async fn prefixed_by_request(nango: NangoSync, raw: ApiTicket, metadata: &Prefix) -> Result<Change<Ticket>> {
    let detail: Value = nango.get(path!("/tickets/{id}", id = raw.id)).json().await?;
    let text = format!("{} {}", metadata.prefix, detail["text"].as_str().unwrap_or_default());
    Ok(change(&raw, &text))
}

fn raw(id: u64, status: &str) -> Value {
    json!({ "id": id, "status": status })
}

async fn texts(fixture: &Fixture) -> Vec<String> {
    let variant = BASE_VARIANT.into();
    let model = "Ticket".into();
    let dataset = DatasetKey { integration: "acme".into(), connection: "one".into(), model, variant };
    let page = fixture.runtime.store.read(&dataset, ReadQuery { limit: 100, ..ReadQuery::default() }).await.unwrap();
    let text = |payload: &[u8]| serde_json::from_slice::<Ticket>(payload).unwrap().text;
    page.records.iter().map(|row| text(row.payload.as_ref().unwrap())).collect()
}

#[tokio::test]
async fn changes_save_delete_keep_and_skip_records() {
    let fixture = Fixture::new().await;
    let all: Vec<Value> = (1..=5).map(|id| raw(id, "open")).collect();
    fixture.script.add("/tickets", 200, &[], json!(all));
    assert_succeeded(&fixture.sync("one-change").await);

    let changed = [raw(1, "new"), raw(2, "deleted"), raw(3, "kept"), raw(4, "skipped"), raw(9, "deleted")];
    fixture.script.add("/tickets", 200, &[], json!(changed));
    fixture.script.add("/tickets/4", 200, &[], raw(4, "skipped"));
    fixture.script.add("/tickets/5", 200, &[], raw(5, "kept"));
    let report = fixture.sync("one-change").await;
    assert_succeeded(&report);
    let counts = report.totals.models["Ticket"];
    assert_eq!((counts.updated, counts.added, counts.unchanged), (1, 0, 0), "{counts:?}");
    assert_eq!(counts.deleted, 2, "2 by its tombstone, 4 because the walk and its request do not contain it");
    assert_eq!(fixture.live("Ticket").await, ["3", "5", "1"], "3 and 5 are kept");
    let requests = fixture.requests();
    assert_eq!(requests[2..], ["/tickets/4", "/tickets/5"], "a kept record counts as seen");
}

#[tokio::test]
async fn later_one_of_a_save_and_a_delete_of_one_page_counts() {
    let fixture = Fixture::new().await;
    fixture.script.add("/tickets", 200, &[], json!([[raw(1, "open"), raw(2, "open")]]));
    assert_succeeded(&fixture.sync("many-changes").await);
    let page = [[raw(1, "deleted"), raw(2, "new")], [raw(1, "back"), raw(2, "deleted")]];
    fixture.script.add("/tickets", 200, &[], json!(page));
    let report = fixture.sync("many-changes").await;
    assert_succeeded(&report);
    assert_eq!(fixture.live("Ticket").await, ["1"]);
    assert_eq!(report.totals.models["Ticket"].deleted, 1);
}

#[tokio::test]
async fn changes_of_a_record_that_does_not_fit_are_not_applied() {
    let fixture = Fixture::new().await;
    fixture.script.add("/tickets", 200, &[], json!([[raw(1, "open")]]));
    assert_succeeded(&fixture.sync("many-changes").await);
    fixture.script.add("/tickets", 200, &[], json!([[raw(1, "deleted"), { "id": 2 }], [raw(3, "open")]]));
    let report = fixture.sync("many-changes").await;
    assert_succeeded(&report);
    assert_eq!(report.totals.skipped_invalid, 1);
    assert_eq!(fixture.live("Ticket").await, ["1", "3"]);
}

#[tokio::test]
async fn metadata_is_passed_to_a_plain_and_an_async_mapper() {
    let fixture = Fixture::without_connection().await;
    fixture.connect(json!({ "prefix": "re:" })).await.unwrap();
    fixture.script.add("/tickets", 200, &[], json!([raw(1, "open"), raw(2, "new"), raw(3, "late")]));
    assert_succeeded(&fixture.sync("prefixed").await);
    assert_eq!(texts(&fixture).await, ["re: open", "re: new", "re: late"]);
    for id in 1..=3 {
        fixture.script.add(&format!("/tickets/{id}"), 200, &[], json!({ "text": format!("number {id}") }));
    }
    assert_succeeded(&fixture.sync("prefixed-by-request").await);
    assert_eq!(texts(&fixture).await, ["re: number 1", "re: number 2", "re: number 3"], "the order is kept");
}

#[tokio::test]
async fn metadata_of_a_mapper_that_does_not_fit_fails_before_the_first_request() {
    let fixture = Fixture::without_connection().await;
    fixture.connect(json!({})).await.unwrap();
    for name in ["prefixed", "prefixed-by-request"] {
        let error = fixture.sync(name).await.error.expect("an error").to_string();
        assert!(error.contains("the metadata of connection `one`") && error.contains("prefix"), "{error}");
    }
    assert!(fixture.requests().is_empty());
}
