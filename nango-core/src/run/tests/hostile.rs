//! Randomized tests against a hostile API: lists that change during walks, served in every style of pagination, with
//! the reported misbehaviour of real APIs, compared with an oracle that tracks the lifetime of each record.
//!
//! | file | content |
//! | --- | --- |
//! | `upstream` | a list that changes |
//! | `style` | pagination of an API, and the declaration of the mapper |
//! | `api`, `next_link` | responses |
//! | `fault` | misbehaviour |
//! | `settings` | what varies between cases |
//! | `parents` | parents with lists of their own |
//! | `case` | runs with changes, faults and interruptions, and their verification |
//!
//! Verified properties:
//! - Token pagination with a stable order: no existing record is ever a tombstone, and no complete walk lacks a record
//!   that existed during the whole walk.
//! - Position-based pagination: no tombstone without its confirmations; false tombstones are counted and restored by
//!   the next complete walk. With confirmation by request there are none.
//! - No update is lost permanently.
//! - A second model has a part of each record: after each run its rows are those of the records.
//! - Without changes, the walks of every well-behaved API are complete and delete the removed records.
//!
//! The tests make 300 walks, or 20,000 with `NANGO_TEST_LONG=1`. `NANGO_TEST_SEED=n` starts with the case of this seed.
//! A failed case prints its seed and its last requests.

mod api;
mod case;
mod fault;
mod next_link;
mod parents;
mod reply;
mod settings;
mod style;
mod transport;
mod upstream;

use self::{
    case::{Counts, run_case},
    settings::{CaseSettings, Parts},
    style::{PositionCarrier, Style},
    upstream::Order,
};
use crate::{
    declare::{ConfirmField, ConfirmRequest},
    rng,
};

static BY_REQUEST: ConfirmRequest = ConfirmRequest {
    literals: &["/items/", ""],
    fields: &[ConfirmField::Record("id")],
    metadata: None,
    response_path: None,
};

fn walk_count() -> u64 {
    if rng::is_long_run() { 20_000 } else { 300 }
}

#[tokio::test]
async fn walk_over_a_hostile_api_neither_deletes_nor_loses_an_existing_record() {
    let first = rng::seed();
    println!("NANGO_TEST_SEED={first}");
    let mut counts = Counts::default();
    let mut seed = first;
    while counts.walks < walk_count() {
        run_case(seed, None, &mut counts).await;
        seed += 1;
    }
    println!("{counts:?}");
    // The rate of a few walks is not significant: two more are within chance.
    let (walks, wrong) = counts.position_walks;
    assert!(wrong <= 2 + walks / 1_000, "{wrong} false deletes in {walks} walks, from seed {first} on");
    assert!(counts.complete > counts.walks / 3 && counts.deleted > counts.walks / 20, "{counts:?}");
    assert!(counts.faults > 0, "{counts:?}");
    assert!(counts.resumed > 0 || !rng::is_long_run(), "no walk of a long run was resumed: {counts:?}");
}

#[tokio::test]
async fn resumed_walk_deletes_no_existing_record() {
    let mut counts = Counts::default();
    for (seed, carrier) in
        (1..).zip([PositionCarrier::CursorText, PositionCarrier::LinkKeyset, PositionCarrier::BodyLinkKeyset].repeat(3))
    {
        let setting = CaseSettings {
            style: Style::plain(carrier),
            order: Order::Append,
            size: 100,
            change_percent: 10,
            fault_percent: 20,
            runs: 10,
            since: None,
            request: None,
            parts: Parts::Replaced,
        };
        run_case(seed, Some(setting), &mut counts).await;
    }
    assert!(counts.resumed > 0 && counts.deleted > 0, "{counts:?}");
}

#[tokio::test]
async fn confirmation_by_request_deletes_only_removed_records() {
    let first = rng::seed();
    println!("NANGO_TEST_SEED={first}");
    let mut counts = Counts::default();
    for (seed, carrier) in (first..).zip([
        PositionCarrier::Page,
        PositionCarrier::Offset,
        PositionCarrier::LinkPage,
        PositionCarrier::BodyLinkPage,
    ]) {
        let setting = CaseSettings {
            style: Style::plain(carrier),
            order: Order::NewestFirst,
            size: 60,
            change_percent: 30,
            fault_percent: 0,
            runs: 6,
            since: None,
            request: Some(&BY_REQUEST),
            parts: Parts::None,
        };
        run_case(seed, Some(setting), &mut counts).await;
    }
    assert!(counts.deleted > 0, "{counts:?}");
}
