//! Failures of the database server during a run: it is killed and restarted, its sessions are terminated one after
//! another, or the network cuts a connection between any two bytes. A run continues by itself or reports the loss; the
//! next run resumes; no record is lost or duplicated.

mod errors;
mod proxy;

use std::{ffi::OsStr, thread, time::Duration};

use nango_tests::{
    DatabaseKind, Output,
    postgres::{self, Server},
    rng::{self, Rng},
    tools,
};
use proxy::{Cut, Proxy};

use super::{proof_sync::ProofSync, scenario::Scenario};

/// Terminates the product's sessions in a database.
const END_SESSIONS: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                            WHERE datname = current_database() AND application_name = 'nango'";

/// Messages of a run that lost its connection.
const CONNECTION_LOST_MESSAGES: [&str; 4] = [
    "the connection to the database was lost: nothing was written. Run again when the server is available",
    "the connection to the database was lost during a commit: the transaction was written completely or not at all",
    "cannot be reached: ",
    "no connection to the database within 15 seconds: it cannot be reached, or is busy",
];

/// Whether the run succeeded despite the failure; asserts that it reported the loss if it did not.
#[track_caller]
fn succeeded_or_reported_loss(ended: &Output) -> bool {
    let all = format!("{}{}", ended.stdout, ended.stderr);
    let reported = CONNECTION_LOST_MESSAGES.iter().any(|message| all.contains(message));
    assert!(ended.status == Some(0) || (matches!(ended.status, Some(1 | 3)) && reported), "{:?}: {all}", ended.status);
    ended.status == Some(0)
}

impl Scenario {
    /// Checks that the next run resumes and that the database is correct afterwards.
    fn verify_recovery(&mut self, sync: ProofSync) {
        self.read_pages(1);
        self.run_to_completion(sync);
        self.verify_counters(sync);
        self.verify(sync);
    }

    /// Returns a random instant within a run, as a delay after its start.
    fn random_delay(&mut self, rng: &mut Rng, sync: ProofSync) -> Duration {
        let typical = u64::try_from(self.typical_duration(sync).as_micros()).expect("a short while");
        Duration::from_micros(rng.below(typical * 5 / 4))
    }
}

#[test]
fn server_killed_at_random_instants_loses_and_duplicates_nothing() {
    // Not the server that all tests share: this one is killed, and everything it confirmed as durable must be on disk.
    let server = match Server::start(&["fsync=on", "full_page_writes=on"]) {
        Ok(server) => &*Box::leak(Box::new(server)),
        Err(why) => return tools::skip("a server that is killed", why).unwrap_or_default(),
    };
    let seed = rng::seed();
    let mut rng = Rng::new(seed);
    let mut scenario = Scenario::on_database(
        server.create_empty_database().into(),
        &format!("NANGO_TEST_SEED={seed}, a killed server"),
        seed,
        1_500,
    );
    let kills = if rng::is_long_run() { 150 } else { 5 };
    let mut recovered = 0;
    for _ in 0..kills {
        let sync = *rng.choose(&ProofSync::ALL);
        let instant = scenario.random_delay(&mut rng, sync);
        scenario.change_upstream();
        let running = scenario.start(sync);
        thread::sleep(instant);
        server.crash();
        // A restart by a supervisor at once, or a later one by an operator.
        thread::sleep(Duration::from_millis(*rng.choose(&[0, 0, 200, 1_500])));
        server.restart();
        let ended = scenario.finish(sync, running, &format!("and the server is killed after {instant:?}"));
        recovered += u64::from(succeeded_or_reported_loss(&ended));
        scenario.verify_recovery(sync);
    }
    println!("{kills} kills of the server, {recovered} runs recovered by themselves: 0 lost, 0 duplicated");
}

#[test]
fn sessions_terminated_repeatedly_lose_and_duplicate_nothing() {
    let Some(database) = DatabaseKind::Postgres.create() else { return };
    let seed = rng::seed();
    let mut rng = Rng::new(seed);
    let mut scenario = Scenario::on_database(database, &format!("NANGO_TEST_SEED={seed}, ended sessions"), seed, 1_500);
    scenario.upstream.set_response_delay(Duration::from_millis(10));
    let runs = if rng::is_long_run() { 100 } else { 3 };
    let (mut ended_sessions, mut recovered) = (0, 0);
    for _ in 0..runs {
        let sync = *rng.choose(&ProofSync::ALL);
        scenario.change_upstream();
        let mut running = scenario.start(sync);
        while running.is_running() {
            let ended: u64 = scenario.database().sql(END_SESSIONS).parse().expect("a count");
            ended_sessions += ended;
            thread::sleep(Duration::from_millis(50 + rng.below(300)));
        }
        let ended = scenario.finish(sync, running, "and its sessions are ended");
        recovered += u64::from(succeeded_or_reported_loss(&ended));
        scenario.verify_recovery(sync);
    }
    assert!(ended_sessions >= runs, "{ended_sessions} sessions were ended");
    println!(
        "{ended_sessions} ended sessions, {recovered} of {runs} runs recovered by themselves: 0 lost, 0 duplicated"
    );
}

#[test]
fn connection_cut_at_any_byte_loses_and_duplicates_nothing() {
    let Some(database) = postgres::create_empty_database() else { return };
    let Some(socket) = proxy::socket_of(&database.url) else {
        return tools::skip("a connection that is cut", "the server is not behind a socket of this machine")
            .unwrap_or_default();
    };
    let seed = rng::seed();
    let mut rng = Rng::new(seed);
    let proxy = Proxy::start(socket);
    let through = proxy.url(database.name());
    let mut scenario = Scenario::on_database(database.into(), &format!("NANGO_TEST_SEED={seed}, a cut"), seed, 700);
    let cuts = if rng::is_long_run() { 500 } else { 8 };
    let (mut done, mut recovered) = (0, 0);
    for n in 0..cuts {
        let sync = *rng.choose(&ProofSync::ALL);
        scenario.typical_duration(sync);
        scenario.change_upstream();
        let cut = match n % 4 {
            0 => Cut::BeforeCommit(1 + rng.below(10)),
            1 => Cut::AfterCommit(1 + rng.below(10)),
            2 => Cut::ToServer(rng.below(60_000)),
            _ => Cut::FromServer(rng.below(20_000)),
        };
        proxy.cut(cut);
        let ended = scenario.run_with_env(sync, &[("NANGO_DATABASE_URL", OsStr::new(&through))]);
        let was_cut = proxy.was_cut();
        scenario.log_step(&format!("{cut:?}: {was_cut}"));
        assert!(was_cut || ended.status == Some(0), "{}{}", ended.stdout, ended.stderr);
        done += u64::from(was_cut);
        recovered += u64::from(succeeded_or_reported_loss(&ended) && was_cut);
        scenario.verify_recovery(sync);
    }
    assert!(done >= cuts / 2, "{done} of {cuts} were cut");
    println!("{done} cuts, {recovered} runs recovered by themselves: 0 lost, 0 duplicated");
}
