//! Frozen values of walks that are stored with an interrupted run or reported; compared with `golden/walk.txt`.

use serde_json::json;

use super::{Completion, Gap, ResumePoint, StoredGap, WalkState, cursor::Cursor};
use crate::{
    declare::{PaginateKind, Pagination},
    golden::{self, Lines},
};

const FILE: &str = "walk.txt";

fn gaps() -> [StoredGap; 7] {
    [
        StoredGap::NullList,
        StoredGap::ErrorInBody,
        StoredGap::OtherOrigin("https://a.test".to_owned(), "https://b.test".to_owned()),
        StoredGap::PageSize,
        StoredGap::RecordWithoutId,
        StoredGap::ErrorText("invalid_auth".to_owned()),
        StoredGap::DeclaredError("invalid_auth".to_owned()),
    ]
}

fn resume_points() -> [ResumePoint; 4] {
    [
        ResumePoint::cursor(&Cursor::Json(json!("abc")), true),
        ResumePoint::cursor(&Cursor::Json(json!(100)), false),
        ResumePoint::cursor(&Cursor::Number { number: "1.50".to_owned() }, false),
        ResumePoint::link(&"https://a.test/items?after=abc".parse().unwrap(), true),
    ]
}

fn walk_states() -> Vec<WalkState> {
    let full =
        |gap| WalkState { pages: 1, bytes: 2, records: 3, position_based: true, shifted: true, gap, position: None };
    [WalkState::default(), full(None)].into_iter().chain(gaps().map(|gap| full(Some(gap)))).collect()
}

#[test]
fn stored_and_reported_values_of_a_walk_are_frozen() {
    let completions = [
        Completion::SingleRequest,
        Completion::NoNextPage,
        Completion::HasMoreFalse,
        Completion::EmptyPage,
        Completion::NoContent,
        Completion::EndStatus,
        Completion::TotalReached,
        Completion::TotalPagesReached,
    ];
    let [own, other] = ["https://a.test", "https://b.test"].map(str::to_owned);
    let incomplete = [
        Gap::NullList,
        Gap::ErrorInBody(None),
        Gap::OtherOrigin { own, other },
        Gap::PartialContent,
        Gap::Contradiction,
        Gap::Circle,
        Gap::RepeatedPage,
        Gap::EndStatus(404),
        Gap::Total,
        Gap::PageSize,
        Gap::RecordWithoutId,
        Gap::Stopped,
        Gap::NoWalk,
        Gap::WithoutScan,
        Gap::DeclaredError(String::new()),
    ];
    let offset = PaginateKind::Offset { name: "page".into(), start: 1, by: crate::declare::OffsetBy::Page };
    let cursor = PaginateKind::Cursor { name: "after".into(), path: "next".into() };
    let link = PaginateKind::Link { rel: Some("next".into()), path: None };

    let mut lines = Lines::default();
    lines.all("complete", completions.map(Completion::name));
    lines.all("incomplete", incomplete.iter().map(Gap::name));
    lines.all("pagination", [Pagination::Token, Pagination::Position].map(Pagination::name));
    lines.all("pagination kind", [&link, &cursor, &offset].map(PaginateKind::name));
    lines.json("gap, stored", &gaps());
    lines.json("place, stored", &resume_points());
    lines.json("memory, stored", &walk_states());
    lines.check(FILE);
}

#[test]
fn stored_values_of_a_walk_are_read_back() {
    golden::check_read(FILE, "gap, stored", &gaps());
    golden::check_read(FILE, "place, stored", &resume_points());
    golden::check_read(FILE, "memory, stored", &walk_states());
    assert_eq!(serde_json::from_str::<WalkState>("{}").unwrap(), WalkState::default());
}
