//! Many processes on one file: two syncs, a webhook handler beside its sync, and a reader that follows. Nobody sees an
//! error, and the reader steps over nothing.

use std::{
    thread,
    time::{Duration, Instant},
};

use nango_tests::dice::Dice;
use serde_json::json;

use super::{
    replica::Replica,
    voyage::{Sync, Voyage},
};

#[test]
fn syncs_handlers_and_a_follower_share_one_file() {
    let mut voyage = Voyage::new("several processes", 6, 2_500);
    voyage.upstream.pause(Duration::from_millis(10));
    let follow = ["records", "proof", "Item", "--connection", "acme", "--limit", "70", "--follow", "--json"];
    let mut follower = voyage.registry.start(follow);
    let run = |sync: Sync| voyage.registry.start(["run", "proof", sync.name(), "--connection", "acme", "--json"]);
    let syncs = Sync::BOTH.map(run);
    // The API changes, and tells of it by webhooks, one process each, while the syncs walk.
    let mut dice = Dice::new(6);
    for n in 0..12 {
        let id = format!("{:06}", dice.roll(25_000));
        let text = (n % 3 != 0).then(|| format!("told {n}"));
        voyage.upstream.change("items", |all| match &text {
            Some(text) => drop(all.insert(id.clone(), json!({ "id": id, "text": text }).to_string())),
            None => drop(all.remove(&id)),
        });
        let told = json!({ "id": id, "text": text }).to_string();
        let handle = ["run", "proof", "items", "--webhook", "told", "--input", &told, "--connection", "acme", "--json"];
        assert_eq!(voyage.registry.json(handle)["status"], "success");
    }
    for sync in syncs {
        assert_eq!(sync.finish().expect(0).json()["status"], "success");
    }
    // A deletion that a walk had already passed when it was told: the next walk knows.
    voyage.upstream.pause(Duration::ZERO);
    voyage.complete(Sync::Mapped);
    voyage.verify(Sync::Mapped);
    voyage.complete(Sync::ByHand);
    voyage.verify(Sync::ByHand);

    let expect = voyage.replica(Sync::Mapped).live.clone();
    let started = Instant::now();
    loop {
        let printed = follower.stdout();
        let whole = printed.rfind('\n').map_or("", |end| &printed[..end]);
        let records: Vec<_> = whole.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
        let mut seen = Replica::default();
        seen.take(&records);
        if seen.live == expect {
            break;
        }
        let missing = expect.iter().filter(|(id, text)| seen.live.get(*id) != Some(text)).count();
        assert!(started.elapsed() < Duration::from_secs(20), "the follower lacks {missing}:\n{}", follower.stderr());
        thread::sleep(Duration::from_millis(50));
    }
    follower.kill_now();
    assert_eq!(follower.finish().stderr, "");
}
