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
mod dice;
mod style;
mod upstream;

use self::{
    case::{Counts, Setting, play},
    style::{Carrier, Style},
    upstream::Order,
};
use crate::declare::{ConfirmField, ConfirmRequest};

static BY_REQUEST: ConfirmRequest = ConfirmRequest {
    literals: &["/items/", ""],
    fields: &[ConfirmField::Record("id")],
    metadata: None,
    response_path: None,
};

fn walks() -> u64 {
    if dice::is_long() { 20_000 } else { 300 }
}

#[tokio::test]
async fn walks_over_a_hostile_api_delete_and_lose_nothing_that_is_there() {
    let first = dice::seed();
    println!("NANGO_TEST_SEED={first}");
    let mut counts = Counts::default();
    let mut seed = first;
    while counts.walks < walks() {
        play(seed, None, &mut counts).await;
        seed += 1;
    }
    println!("{counts:?}");
    // Rates of a few walks say little: two more are chance.
    let (walks, wrong) = counts.judged;
    assert!(wrong <= 2 + walks / 1_000, "{wrong} false deletes in {walks} walks, from seed {first} on");
    assert!(counts.complete > counts.walks / 3 && counts.deleted > counts.walks / 20, "{counts:?}");
    assert!(counts.faults > 0, "{counts:?}");
    assert!(counts.resumed > 0 || !dice::is_long(), "of a few walks, none may have been resumed: {counts:?}");
}

#[tokio::test]
async fn interrupted_walks_are_resumed_and_delete_nothing_that_is_there() {
    let mut counts = Counts::default();
    for (seed, carrier) in (1..).zip([Carrier::CursorText, Carrier::LinkKeyset, Carrier::BodyLinkKeyset].repeat(3)) {
        let setting = Setting {
            style: Style::plain(carrier),
            order: Order::Append,
            size: 100,
            churn: 10,
            faults: 20,
            runs: 10,
            since: None,
            request: None,
        };
        play(seed, Some(setting), &mut counts).await;
    }
    assert!(counts.resumed > 0 && counts.deleted > 0, "{counts:?}");
}

#[tokio::test]
async fn confirmation_by_request_deletes_only_what_is_gone() {
    let first = dice::seed();
    println!("NANGO_TEST_SEED={first}");
    let mut counts = Counts::default();
    for (seed, carrier) in (first..).zip([Carrier::Page, Carrier::Offset, Carrier::LinkPage, Carrier::BodyLinkPage]) {
        let setting = Setting {
            style: Style::plain(carrier),
            order: Order::NewestFirst,
            size: 60,
            churn: 30,
            faults: 0,
            runs: 6,
            since: None,
            request: Some(&BY_REQUEST),
        };
        play(seed, Some(setting), &mut counts).await;
    }
    assert!(counts.deleted > 0, "{counts:?}");
}
