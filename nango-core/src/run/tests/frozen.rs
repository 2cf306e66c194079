//! Frozen forms of the resume state of a mapper, and of metadata keys of connections; compared with
//! `golden/resume.txt`.

use serde_json::{Value, json};

use crate::time::Timestamp;
use crate::{
    auth::KeyRing,
    declare::FunctionKind,
    golden::{self, Lines, unhex},
    paginate::{FeedPosition, StoredGap, WalkState},
    run::{
        delta::DeltaState,
        resume::{EachProgress, InterruptedWalk, ModelWalk, SyncState},
        rotated_token,
    },
    store::{FunctionKey, resume_context},
};

const FILE: &str = "resume.txt";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// `{"since":1}`, sealed with [`KEY`] for the function of [`function`].
const SEALED: &str = "01e528e95797ef478667449d8a726432e4cce29436f94a3f51161e474f76e5a826e31f3a7e1e0e19cb35f4e2";

fn function() -> FunctionKey {
    let [integration, connection, function, variant] = ["github", "acme", "issues", "base"].map(str::to_owned);
    FunctionKey { kind: FunctionKind::Sync, integration, connection, function, variant }
}

fn interrupted() -> InterruptedWalk {
    InterruptedWalk {
        fingerprint: "0123".to_owned(),
        started_at: Timestamp::from_micros(1),
        last_page_at: Some(Timestamp::from_micros(2)),
        since: Some(Timestamp::from_micros(3)),
        next_since: Some(Timestamp::from_micros(4)),
        first_date: Some(Timestamp::from_micros(5)),
        unread_id: true,
        pages: 6,
        scan: Some(7),
        others: Vec::new(),
        memory: WalkState {
            pages: 8,
            bytes: 9,
            records: 10,
            position_based: true,
            shifted: true,
            gap: Some(StoredGap::PageSize),
            position: None,
        },
        delta: None,
        resume_point: serde_json::from_value(json!({ "to": { "cursor": "abc" }, "token": true })).unwrap(),
    }
}

/// Returns a position of an incremental feed.
fn position(place: Value) -> FeedPosition {
    serde_json::from_value(place).unwrap()
}

/// States of an incremental feed: after a complete walk, and of an interrupted one.
fn feed_states() -> [SyncState; 2] {
    let stored = DeltaState { fingerprint: "89ab".to_owned(), position: position(json!({ "cursor": "abc" })) };
    let complete = SyncState { delta: Some(stored), ..SyncState::default() };
    let link = position(json!({ "link": "https://a.test/items?token=abc" }));
    let memory = WalkState { position: Some(position(json!({ "cursor": 100 }))), ..WalkState::default() };
    let walk = Some(InterruptedWalk { delta: Some(link), memory, ..interrupted() });
    [complete.clone(), SyncState { walk, ..complete }]
}

/// States of an interrupted run over the lists of parents.
fn parent_states() -> [SyncState; 2] {
    let full = EachProgress {
        number: 1,
        fingerprint: "cdef".to_owned(),
        started_at: Timestamp::from_micros(2),
        last_page_at: Timestamp::from_micros(3),
        after: None,
        scans: Vec::new(),
        full: true,
        walked: false,
        skipped: true,
    };
    let each = EachProgress { after: Some("a b".to_owned()), scans: vec![4, 5], walked: true, ..full.clone() };
    [full, each].map(|each| SyncState { each: Some(each), ..SyncState::default() })
}

fn states() -> [SyncState; 3] {
    let complete = SyncState {
        since: Some(Timestamp::from_micros(1)),
        previous_since: Some(Timestamp::from_micros(2)),
        position_based: true,
        full_at: Some(Timestamp::from_micros(3)),
        schema: Some("4567".to_owned()),
        walk: None,
        delta: None,
        each: None,
    };
    let walk = Some(interrupted());
    [SyncState::default(), complete.clone(), SyncState { walk, ..complete }]
}

/// State of a mapper of several models.
fn state_of_models() -> [SyncState; 1] {
    let others = vec![ModelWalk { scan: Some(8), records: 9, unread_id: true }, ModelWalk::default()];
    [SyncState { walk: Some(InterruptedWalk { others, ..interrupted() }), ..SyncState::default() }]
}

#[test]
fn resume_state_and_notes_are_frozen() {
    let mut lines = Lines::default();
    lines.json("resume state", &states());
    lines.json("resume state of a feed", &feed_states());
    lines.json("resume state of several models", &state_of_models());
    lines.json("resume state of parents", &parent_states());
    lines.add("note of kept credentials", rotated_token::note_name("github", "acme"));
    lines.add("key of the replaced token", rotated_token::ORIGINAL_KEY);
    lines.check(FILE);
}

#[test]
fn resume_state_is_read_back() {
    golden::check_read(FILE, "resume state", &states());
    golden::check_read(FILE, "resume state of a feed", &feed_states());
    golden::check_read(FILE, "resume state of several models", &state_of_models());
    golden::check_read(FILE, "resume state of parents", &parent_states());
    assert_eq!(serde_json::from_str::<SyncState>("{}").unwrap(), SyncState::default());
    // Fields that earlier versions did not write may be missing.
    let early = json!({ "spec": "0123", "started_at": 1, "since": null, "next_since": null, "left_out": false,
        "pages": 6, "scan": null, "place": { "to": { "link": "https://a.test/items?after=abc" }, "token": true } });
    let read: InterruptedWalk = serde_json::from_value(early).unwrap();
    assert_eq!((read.last_page_at, read.first_date, read.memory), (None, None, WalkState::default()));
}

#[test]
fn sealed_resume_state_of_an_earlier_build_opens() {
    let opened = KeyRing::from_key(KEY).unwrap().open(&unhex(SEALED), &resume_context(&function())).unwrap();
    assert_eq!(
        serde_json::from_slice::<SyncState>(&opened).unwrap(),
        SyncState { since: Some(Timestamp::from_micros(1)), ..SyncState::default() }
    );
}
