//! The resume state of a mapper as it is sealed, and notes about connections, held by `golden/resume.txt`.

use serde_json::json;

use crate::{
    auth::KeyRing,
    declare::Kind,
    golden::{self, Lines, unhex},
    paginate::{StoredGap, WalkMemory},
    run::{
        resume::{Interrupted, State},
        spent,
    },
    store::{FunctionKey, resume_context},
};

const FILE: &str = "resume.txt";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// `{"since":1}`, sealed with [`KEY`] for the function of [`function`].
const SEALED: &str = "01e528e95797ef478667449d8a726432e4cce29436f94a3f51161e474f76e5a826e31f3a7e1e0e19cb35f4e2";

fn function() -> FunctionKey {
    let [integration, connection, function, variant] = ["github", "acme", "issues", "base"].map(str::to_owned);
    FunctionKey { kind: Kind::Sync, integration, connection, function, variant }
}

fn interrupted() -> Interrupted {
    Interrupted {
        spec: "0123".to_owned(),
        started_at: 1,
        last_page_at: Some(2),
        since: Some(3),
        next_since: Some(4),
        first_date: Some(5),
        left_out: true,
        pages: 6,
        scan: Some(7),
        memory: WalkMemory {
            pages: 8,
            bytes: 9,
            records: 10,
            numbers: true,
            shifted: true,
            gap: Some(StoredGap::PageSize),
        },
        place: serde_json::from_value(json!({ "to": { "cursor": "abc" }, "token": true })).unwrap(),
    }
}

fn states() -> [State; 3] {
    let complete = State {
        since: Some(1),
        since_before: Some(2),
        shifts: true,
        full_at: Some(3),
        schema: Some("4567".to_owned()),
        walk: None,
    };
    let walk = Some(interrupted());
    [State::default(), complete.clone(), State { walk, ..complete }]
}

#[test]
fn resume_state_and_notes_are_frozen() {
    let mut lines = Lines::default();
    lines.json("resume state", &states());
    lines.add("note of kept credentials", spent::name("github", "acme"));
    lines.add("key of the replaced token", spent::GIVEN);
    lines.check(FILE);
}

#[test]
fn resume_state_is_read_back() {
    golden::check_read(FILE, "resume state", &states());
    assert_eq!(serde_json::from_str::<State>("{}").unwrap(), State::default());
    // What earlier versions did not write may be missing.
    let early = json!({ "spec": "0123", "started_at": 1, "since": null, "next_since": null, "left_out": false, "pages": 6,
        "scan": null, "place": { "to": { "link": "https://a.test/items?after=abc" }, "token": true } });
    let read: Interrupted = serde_json::from_value(early).unwrap();
    assert_eq!((read.last_page_at, read.first_date, read.memory), (None, None, WalkMemory::default()));
}

#[test]
fn sealed_resume_state_of_an_earlier_build_opens() {
    let opened = KeyRing::from_key(KEY).unwrap().open(&unhex(SEALED), &resume_context(&function())).unwrap();
    assert_eq!(serde_json::from_slice::<State>(&opened).unwrap(), State { since: Some(1), ..State::default() });
}
