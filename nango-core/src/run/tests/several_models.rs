//! Tests of mappers of several models: one transaction for each page, a scan for each model, and children of a parent.

use super::*;
use crate::{
    prelude::*,
    store::{HeldBy, RunStatus},
};

/// Test order of this module.
#[model]
struct Order {
    /// Id of the order.
    id: u64,
    /// Text of the order.
    text: String,
}

/// Test line of this module.
#[model]
struct Line {
    /// Id of the line.
    id: u64,
}

/// Test order of the API.
#[derive(serde::Deserialize)]
struct ApiOrder {
    id: u64,
    #[serde(default)]
    text: String,
    #[serde(default)]
    lines: Option<Vec<u64>>,
}

impl ApiOrder {
    fn order(&self) -> Order {
        Order { id: self.id, text: self.text.clone() }
    }

    fn lines(&self) -> impl Iterator<Item = Line> + '_ {
        self.lines.iter().flatten().map(|id| Line { id: *id })
    }
}

/// Saves orders and lines, and deletes both by scans.
#[sync(
    integration = "acme",
    models("Order", "Line"),
    endpoint = "/orders",
    paginate(cursor(name = "after", path = "next"), response_path = "items"),
    on_invalid = "skip",
    track_deletes
)]
fn orders(raw: ApiOrder) -> (Order, Vec<Line>) {
    (raw.order(), raw.lines().collect())
}

/// Replaces the lines of changed orders. The parts are in another order than the models.
#[sync(
    integration = "acme",
    models("Order", "Line"),
    endpoint = "/orders",
    paginate(cursor(name = "after", path = "next"), response_path = "items"),
    since(param = "since", full_every = "7d"),
    track_deletes
)]
fn order_changes(raw: ApiOrder) -> Result<(Option<Children<Line>>, Change<Order>)> {
    if raw.text == "deleted" {
        return Ok((Some(Children::of(&raw.id, [])), Change::Delete(raw.id)));
    }
    let lines = raw.lines.is_some().then(|| Children::of(&raw.id, raw.lines().collect::<Vec<_>>()));
    Ok((lines, Change::Save(raw.order())))
}

/// Replaces the lines of orders that it requests.
#[sync(integration = "acme", models("Order", "Line"), endpoint = "/ids")]
async fn orders_by_request(nango: NangoSync, id: u64) -> Result<(Order, Children<Line>)> {
    let raw: ApiOrder = nango.get(path!("/orders/{id}")).json().await?;
    Ok((raw.order(), Children::of(&id, raw.lines())))
}

/// Replaces the lines of an order by hand.
#[sync(integration = "acme", models("Order", "Line"))]
async fn order_by_hand(nango: NangoSync) -> Result<()> {
    let raw: ApiOrder = nango.get("/order").json().await?;
    let saved = nango.page().save([raw.order()]).replace_children(&raw.id, raw.lines()).commit().await?;
    nango.log(format!("{} deleted", saved.count(crate::store::RowOutcome::Deleted))).info();
    Ok(())
}

/// Replaces the lines of an order that a webhook contains.
#[on_webhook(orders, "order.changed")]
async fn order_changed(nango: NangoSync, order: Value) -> Result<()> {
    let raw: ApiOrder = serde_json::from_value(order)?;
    nango.page().save([raw.order()]).replace_children(&raw.id, raw.lines()).commit().await?;
    Ok(())
}

fn order(id: u64, lines: &[u64]) -> Value {
    json!({ "id": id, "text": "t", "lines": lines })
}

impl Fixture {
    fn serve_orders(&self, orders: &[Value], next: Option<&str>) {
        self.script.add("/orders", 200, &[], json!({ "items": orders, "next": next }));
    }

    async fn live_lines(&self) -> Vec<String> {
        let mut live = self.live("Line").await;
        live.sort();
        live
    }

    async fn messages(&self, report: &RunReport) -> String {
        let logs = self.runtime.store.logs(report.run).await.unwrap();
        logs.iter().flat_map(|line| [line.message.as_str(), "\n"]).collect()
    }
}

#[tokio::test]
async fn parts_are_counted_per_model_and_missing_records_of_each_are_deleted() {
    let fixture = Fixture::new().await;
    fixture.serve_orders(&[order(1, &[10, 11]), order(2, &[20])], Some("x"));
    fixture.serve_orders(&[order(3, &[])], None);
    let first = fixture.sync("orders").await;
    assert_succeeded(&first);
    assert_eq!((first.totals.models["Order"].added, first.totals.models["Line"].added), (3, 3));
    assert_eq!(first.totals.pages, 2);

    fixture.serve_orders(&[order(1, &[10]), order(3, &[30])], None);
    let second = fixture.sync("orders").await;
    assert_succeeded(&second);
    let (orders, lines) = (second.totals.models["Order"], second.totals.models["Line"]);
    assert_eq!((orders.unchanged, orders.deleted), (2, 1));
    assert_eq!((lines.unchanged, lines.added, lines.deleted), (1, 1, 2));
    assert_eq!(fixture.live("Order").await, ["1", "3"]);
    assert_eq!(fixture.live_lines().await, ["10", "30"]);
}

#[tokio::test]
async fn interrupted_walk_resumes_the_scans_of_all_models() {
    let fixture = Fixture::new().await;
    fixture.serve_orders(&[order(1, &[10]), order(2, &[20]), order(9, &[90])], None);
    fixture.sync("orders").await;

    fixture.serve_orders(&[order(1, &[10])], Some("x"));
    fixture.script.add("/orders", 500, &[], json!({}));
    let broken = fixture.sync("orders").await;
    assert_eq!((broken.status, broken.resumable), (RunStatus::Error, true));
    assert_eq!(fixture.live_lines().await.len(), 3, "an interrupted walk deletes nothing");

    fixture.serve_orders(&[order(2, &[20])], None);
    assert_succeeded(&fixture.sync("orders").await);
    assert!(fixture.requests().last().is_some_and(|target| target.ends_with("?after=x")), "{:?}", fixture.requests());
    assert_eq!(fixture.live("Order").await, ["1", "2"]);
    assert_eq!(fixture.live_lines().await, ["10", "20"], "10 was seen by the first part, 20 by the second");
}

#[tokio::test]
async fn walk_starts_over_if_the_scan_of_one_model_is_no_longer_open() {
    let fixture = Fixture::new().await;
    fixture.serve_orders(&[order(1, &[10]), order(2, &[20])], Some("x"));
    fixture.script.add("/orders", 500, &[], json!({}));
    assert!(fixture.sync("orders").await.resumable);
    // Another sync begins scans of the same datasets, and ends them.
    fixture.serve_orders(&[order(1, &[10]), order(2, &[20])], None);
    assert_succeeded(&fixture.sync("order-changes").await);

    fixture.serve_orders(&[order(1, &[10])], None);
    assert_succeeded(&fixture.sync("orders").await);
    assert_eq!(fixture.requests().last().map(String::as_str), Some("/orders"));
    assert_eq!(fixture.live("Order").await, ["1"]);
    assert_eq!(fixture.live_lines().await, ["10"]);
}

#[tokio::test]
async fn guard_holds_the_deletes_of_one_model_only() {
    let fixture = Fixture::new().await;
    let lines: Vec<u64> = (10..40).collect();
    fixture.serve_orders(&[order(1, &lines), order(2, &[]), order(3, &[])], None);
    assert_succeeded(&fixture.sync("orders").await);
    fixture.serve_orders(&[order(1, &[10]), order(3, &[])], None);
    let report = fixture.sync("orders").await;
    assert_eq!(fixture.live("Order").await, ["1", "3"]);
    assert_eq!(fixture.live_lines().await.len(), 30);
    let waiting = &report.findings.deferred_deletes;
    assert_eq!((waiting.len(), waiting["Line"].held, waiting["Line"].held_by), (1, 29, Some(HeldBy::Guard)));
}

#[tokio::test]
async fn walk_without_a_record_of_the_second_model_is_an_empty_list_of_it() {
    let fixture = Fixture::new().await;
    fixture.serve_orders(&[order(1, &[10]), order(2, &[20])], None);
    assert_succeeded(&fixture.sync("orders").await);
    fixture.serve_orders(&[order(1, &[]), order(2, &[])], None);
    let report = fixture.sync("orders").await;
    assert_eq!(report.findings.deferred_deletes["Line"].held_by, Some(HeldBy::Guard));
    assert_eq!(fixture.live_lines().await, ["10", "20"]);
}

#[tokio::test]
async fn skipped_record_keeps_its_order_and_all_lines() {
    let fixture = Fixture::new().await;
    fixture.serve_orders(&[order(1, &[10]), order(2, &[20]), order(3, &[30])], None);
    assert_succeeded(&fixture.sync("orders").await);
    fixture.serve_orders(&[order(1, &[10]), json!({ "id": 2, "text": 7 })], None);
    let report = fixture.sync("orders").await;
    assert_succeeded(&report);
    assert_eq!(report.totals.skipped_invalid, 1);
    assert_eq!(fixture.live("Order").await, ["1", "2"], "the id of the skipped order is known");
    assert_eq!(fixture.live_lines().await, ["10", "20", "30"], "the lines of the skipped order are not known");
    let messages = fixture.messages(&report).await;
    assert!(messages.contains("no `Line` is deleted: a skipped record"), "{messages}");
}

#[tokio::test]
async fn children_are_replaced_by_a_run_that_reads_only_changes() {
    let fixture = Fixture::new().await;
    fixture.serve_orders(&[order(1, &[10, 11]), order(2, &[20]), order(3, &[30]), order(4, &[40])], None);
    assert_succeeded(&fixture.sync("order-changes").await);
    // Line 11 moves to another order, order 3 is deleted, and order 4 comes without its lines.
    let changed = [
        order(1, &[10, 12]),
        order(2, &[11]),
        json!({ "id": 3, "text": "deleted" }),
        json!({ "id": 4, "text": "changed" }),
    ];
    fixture.serve_orders(&changed, None);
    let report = fixture.sync("order-changes").await;
    assert_succeeded(&report);
    assert!(fixture.requests()[1].contains("since="), "{:?}", fixture.requests());
    assert_eq!(fixture.live("Order").await, ["1", "2", "4"]);
    assert_eq!(fixture.live_lines().await, ["10", "11", "12", "40"]);
    assert_eq!(report.totals.models["Order"].deleted, 1);
    assert!(report.findings.deferred_deletes.is_empty());
}

#[tokio::test]
async fn line_moves_between_orders_of_one_page_in_both_directions() {
    let fixture = Fixture::new().await;
    fixture.serve_orders(&[order(1, &[10]), order(2, &[20])], None);
    assert_succeeded(&fixture.sync("order-changes").await);
    fixture.serve_orders(&[order(1, &[20]), order(2, &[10])], None);
    assert_succeeded(&fixture.sync("order-changes").await);
    assert_eq!(fixture.live_lines().await, ["10", "20"]);
    fixture.serve_orders(&[order(1, &[])], None);
    assert_succeeded(&fixture.sync("order-changes").await);
    assert_eq!(fixture.live_lines().await, ["10"], "20 belongs to order 1 now");
}

#[tokio::test]
async fn last_children_of_a_parent_in_a_page_count() {
    let fixture = Fixture::new().await;
    fixture.serve_orders(&[order(1, &[10, 11]), order(2, &[20]), order(1, &[12])], None);
    assert_succeeded(&fixture.sync("order-changes").await);
    assert_eq!(fixture.live_lines().await, ["12", "20"]);
    assert_eq!(fixture.records("Line").await.len(), 2, "the earlier children were not saved");
}

#[tokio::test]
async fn missing_line_makes_the_next_run_full_and_its_order_stays() {
    let fixture = Fixture::new().await;
    fixture.serve_orders(&[order(1, &[10]), order(2, &[20])], None);
    assert_succeeded(&fixture.sync("orders").await);
    fixture.serve_orders(&[order(1, &[10]), order(2, &[20])], None);
    assert_succeeded(&fixture.sync("order-changes").await);
    // Without its lines, an order does not replace them: the scan of the full run finds them missing.
    let full = RunRequest { full: true, ..Fixture::request(Target::Sync("order-changes".into())) };
    fixture.serve_orders(&[json!({ "id": 1, "text": "t" }), json!({ "id": 2, "text": "t" })], None);
    let forced = fixture.run(full).await.unwrap();
    assert_eq!(forced.findings.deferred_deletes["Line"].held_by, Some(HeldBy::Guard), "{:?}", forced.findings);
    assert_eq!(fixture.live("Order").await, ["1", "2"]);
    assert_eq!(fixture.live_lines().await, ["10", "20"]);
}

#[tokio::test]
async fn async_mapper_returns_parts() {
    let fixture = Fixture::new().await;
    fixture.script.add("/ids", 200, &[], json!([1, 2]));
    fixture.script.add("/orders/1", 200, &[], order(1, &[10, 11]));
    fixture.script.add("/orders/2", 200, &[], order(2, &[20]));
    assert_succeeded(&fixture.sync("orders-by-request").await);
    fixture.script.add("/ids", 200, &[], json!([1]));
    fixture.script.add("/orders/1", 200, &[], order(1, &[11]));
    let report = fixture.sync("orders-by-request").await;
    assert_succeeded(&report);
    assert_eq!(fixture.live("Order").await, ["1", "2"], "without `track_deletes`, a missing order stays");
    assert_eq!(fixture.live_lines().await, ["11", "20"]);
    assert_eq!(report.totals.models["Line"].deleted, 1);
}

#[tokio::test]
async fn sync_by_hand_and_webhook_replace_children() {
    let fixture = Fixture::new().await;
    fixture.script.add("/order", 200, &[], order(1, &[10, 11]));
    assert_succeeded(&fixture.sync("order-by-hand").await);
    fixture.script.add("/order", 200, &[], order(1, &[11, 12]));
    let report = fixture.sync("order-by-hand").await;
    assert_succeeded(&report);
    assert_eq!(fixture.live_lines().await, ["11", "12"]);
    assert_eq!(report.totals.models["Line"].deleted, 1);

    let webhook =
        Target::Webhook { sync: "orders".into(), r#type: "order.changed".into(), payload: order(1, &[12, 13]) };
    assert_succeeded(&fixture.run(Fixture::request(webhook)).await.unwrap());
    assert_eq!(fixture.live_lines().await, ["12", "13"]);
}

#[tokio::test]
async fn error_of_a_part_names_the_models() {
    let limits = Limits { record_bytes: 40, ..Limits::default() };
    let registry = Registry::load().unwrap();
    let fixture = Fixture::with_registry_and_limits(registry, "https://api.acme.test", limits).await;
    fixture.connect(json!({})).await.unwrap();
    fixture.serve_orders(&[json!({ "id": 1, "text": "t".repeat(50), "lines": [] })], None);
    let report = fixture.sync("order-changes").await;
    let error = report.error.unwrap().to_string();
    assert!(error.contains("cannot become `Order` and `Line`: record `1` has"), "{error}");
}
