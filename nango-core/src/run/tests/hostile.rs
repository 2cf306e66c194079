//! A hostile API: lists that change while they are walked, served in every style of pagination, with every misbehaviour of
//! the reports, against an oracle that knows each record's lifetime.
//!
//! | file | content |
//! | --- | --- |
//! | `dice` | random numbers that a seed repeats |
//! | `upstream` | a list that changes |
//! | `style` | how an API hands out its pages, and what a mapper declares for it |
//! | `api` | the answers, and the misbehaviour |
//! | `case` | runs with changes, faults and interruptions, and what each must leave |
//!
//! The judged properties:
//! - Token pagination over an order that does not change: no live record is ever a tombstone, and no complete walk lacks a
//!   record that was there all the time.
//! - Position-based pagination: no tombstone without its confirmations; false ones are counted and revived by the next
//!   complete walk. With confirmation by request there are none.
//! - No update is lost for ever.
//! - Without changes, every well-behaved API leads to complete walks and to the deletes of what is gone.
//!
//! 300 walks are made, 20,000 with `NANGO_TEST_LONG=1`. `NANGO_TEST_SEED=n` begins with the case of this seed. A case that
//! fails prints its seed and its last requests.

mod api;
mod case;
mod rng;
mod style;
mod upstream;

use self::{
    case::{CaseSettings, Counts, run_case},
    style::{PositionCarrier, Style},
    upstream::Order,
};
use crate::declare::{ConfirmField, ConfirmRequest};

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
    // Rates of a few walks say little: two more are chance.
    let (walks, wrong) = counts.position_walks;
    assert!(wrong <= 2 + walks / 1_000, "{wrong} false deletes in {walks} walks, from seed {first} on");
    assert!(counts.complete > counts.walks / 3 && counts.deleted > counts.walks / 20, "{counts:?}");
    assert!(counts.faults > 0, "{counts:?}");
    assert!(counts.resumed > 0 || !rng::is_long_run(), "of a few walks, none may have been resumed: {counts:?}");
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
        };
        run_case(seed, Some(setting), &mut counts).await;
    }
    assert!(counts.resumed > 0 && counts.deleted > 0, "{counts:?}");
}

#[tokio::test]
async fn confirmation_by_request_deletes_only_what_is_gone() {
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
        };
        run_case(seed, Some(setting), &mut counts).await;
    }
    assert!(counts.deleted > 0, "{counts:?}");
}
