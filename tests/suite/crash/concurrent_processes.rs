//! Several processes on one database file: two syncs, a webhook handler next to its sync, and a reader that follows. No
//! process reports an error, and the reader misses no record.

use std::time::Duration;

use nango_tests::rng::Rng;
use serde_json::json;

use super::{proof_sync::ProofSync, replica::Replica, scenario::Scenario};

#[test]
fn processes_with_syncs_handlers_and_follower_share_one_database_file() {
    let mut scenario = Scenario::new("several processes", 6, 2_500);
    scenario.upstream.set_response_delay(Duration::from_millis(10));
    let follow = ["records", "proof", "Item", "--connection", "acme", "--limit", "70", "--follow", "--json"];
    let mut follower = scenario.registry.start(follow);
    let run =
        |sync: ProofSync| scenario.registry.start(["run", "proof", sync.name(), "--connection", "acme", "--json"]);
    let syncs = ProofSync::ALL.map(run);
    // The API changes and sends webhooks, one process each, during the walks of the syncs.
    let mut rng = Rng::new(6);
    for n in 0..12 {
        let id = format!("{:06}", rng.below(25_000));
        let text = (n % 3 != 0).then(|| format!("sent {n}"));
        scenario.upstream.change("items", |all| match &text {
            Some(text) => drop(all.insert(id.clone(), json!({ "id": id, "text": text }).to_string())),
            None => drop(all.remove(&id)),
        });
        let item = json!({ "id": id, "text": text }).to_string();
        let webhook = ["--webhook", "changed", "--input", &item];
        let handle = ["run", "proof", "items", "--connection", "acme", "--json"].into_iter().chain(webhook);
        assert_eq!(scenario.registry.json(handle)["status"], "success");
    }
    for sync in syncs {
        assert_eq!(sync.finish().expect(0).json()["status"], "success");
    }
    // A delete that was reported after the walk had passed its position is found by the next walk.
    scenario.upstream.set_response_delay(Duration::ZERO);
    scenario.run_to_completion(ProofSync::Mapped);
    scenario.verify(ProofSync::Mapped);
    scenario.run_to_completion(ProofSync::ByHand);
    scenario.verify(ProofSync::ByHand);

    let expect = scenario.replica(ProofSync::Mapped).live_records.clone();
    follower.wait_until("the follower has all records", |follower| {
        let printed = follower.stdout();
        let complete_lines = printed.rfind('\n').map_or("", |end| &printed[..end]);
        let records: Vec<_> =
            complete_lines.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
        let mut seen = Replica::default();
        seen.apply(&records);
        seen.live_records == expect
    });
    follower.kill_now();
    assert_eq!(follower.finish().stderr, "");
}
