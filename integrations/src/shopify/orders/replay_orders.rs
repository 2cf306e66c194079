//! Replays two recorded runs of `orders`, without a network: all orders, then a changed one.
//!
//! The answers come from a local server that behaves as the public documents of the API say:
//! `tests/suite/example_apis/shopify_orders.rs`.

use nango_core::testing::Replay;

use super::*;

#[tokio::test]
async fn recorded_orders_are_saved_with_their_lines() -> Result<()> {
    let replay = Replay::open("tests/recordings/shopify-orders.jsonl")?;
    let report = replay.run(orders).await?;
    let counts = report.counts::<ShopifyOrder>();
    assert_eq!((counts.added, counts.updated, counts.deleted, counts.unchanged), (5, 0, 0, 0));
    assert_eq!(report.counts::<ShopifyOrderLine>().added, 10);
    assert_eq!(report.pages(), 2);
    Ok(())
}

#[tokio::test]
async fn recorded_change_deletes_a_removed_line() -> Result<()> {
    let replay = Replay::open("tests/recordings/shopify-orders-changes.jsonl")?;
    let report = replay.run(orders).await?;
    let counts = report.counts::<ShopifyOrder>();
    assert_eq!((counts.added, counts.updated, counts.deleted, counts.unchanged), (0, 1, 0, 0));
    assert_eq!(report.counts::<ShopifyOrderLine>().deleted, 1);
    assert_eq!(replay.deleted::<ShopifyOrderLine>().await, ["31"]);
    Ok(())
}
