//! The server under a run is struck: killed and started again, its connections ended one after another, or cut by the
//! network between any two bytes. A run goes on by itself or ends with words that say so; the next one goes on; nothing is
//! lost, and nothing is there twice.

mod proxy;
mod refused;

use std::{ffi::OsStr, thread, time::Duration};

use nango_tests::{
    Output,
    dice::{self, Dice},
    postgres::{self, Server},
    tools,
};
use proxy::{Cut, Proxy};

use super::voyage::{Base, Kind, Sync, Voyage};

/// Ends the sessions of the product in a database.
const END_SESSIONS: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                            WHERE datname = current_database() AND application_name = 'nango'";

/// What a run says whose connection was taken away.
const TOLD: [&str; 4] = [
    "the connection to the database broke: nothing of this was written. Run again when the server is back",
    "the connection to the database broke in a commit: all of it was written, or nothing. Run again",
    "cannot be reached: ",
    "no connection to the database within 15 seconds: it cannot be reached, or is busy",
];

/// Whether the run went on by itself; if it did not, it said why.
#[track_caller]
fn went_on(ended: &Output) -> bool {
    let all = format!("{}{}", ended.stdout, ended.stderr);
    let told = TOLD.iter().any(|told| all.contains(told));
    assert!(ended.status == Some(0) || (matches!(ended.status, Some(1 | 3)) && told), "{:?}: {all}", ended.status);
    ended.status == Some(0)
}

impl Voyage {
    /// The next run goes on, and everything is as it must be.
    fn gets_over(&mut self, sync: Sync) {
        self.reader_reads(1);
        self.complete(sync);
        self.verify_counters(sync);
        self.verify(sync);
    }

    /// A random instant of a run.
    fn instant(&mut self, dice: &mut Dice, sync: Sync) -> Duration {
        let usual = u64::try_from(self.usual(sync).as_micros()).expect("a short while");
        Duration::from_micros(dice.roll(usual * 5 / 4))
    }
}

#[test]
fn a_server_killed_at_random_instants_loses_nothing_and_doubles_nothing() {
    // Not the one that all tests share: this one is killed, and what it said is durable must be.
    let server = match Server::start(&["fsync=on", "full_page_writes=on"]) {
        Ok(server) => &*Box::leak(Box::new(server)),
        Err(why) => return tools::skip("a server that is killed", why).unwrap_or_default(),
    };
    let seed = dice::seed();
    let mut dice = Dice::new(seed);
    let mut voyage =
        Voyage::on(Base::Server(server.empty()), &format!("NANGO_TEST_SEED={seed}, a killed server"), seed, 1_500);
    let kills = if dice::is_long() { 150 } else { 5 };
    let mut alone = 0;
    for _ in 0..kills {
        let sync = *dice.one_of(&Sync::BOTH);
        let instant = voyage.instant(&mut dice, sync);
        voyage.upstream_changes();
        let running = voyage.start(sync);
        thread::sleep(instant);
        server.crash();
        // A restart by a supervisor, or one that somebody had to be called for.
        thread::sleep(Duration::from_millis(*dice.one_of(&[0, 0, 200, 1_500])));
        server.restart();
        let ended = voyage.finish(sync, running, &format!("and the server is killed after {instant:?}"));
        alone += u64::from(went_on(&ended));
        voyage.gets_over(sync);
    }
    println!("{kills} kills of the server, {alone} runs went on by themselves: 0 lost, 0 doubled");
}

#[test]
fn sessions_that_are_ended_again_and_again_lose_nothing_and_double_nothing() {
    let Some(base) = Kind::Postgres.base() else { return };
    let seed = dice::seed();
    let mut dice = Dice::new(seed);
    let mut voyage = Voyage::on(base, &format!("NANGO_TEST_SEED={seed}, ended sessions"), seed, 1_500);
    voyage.upstream.pause(Duration::from_millis(10));
    let runs = if dice::is_long() { 100 } else { 3 };
    let (mut ended_sessions, mut alone) = (0, 0);
    for _ in 0..runs {
        let sync = *dice.one_of(&Sync::BOTH);
        voyage.upstream_changes();
        let mut running = voyage.start(sync);
        while running.is_running() {
            let ended: u64 = voyage.database().sql(END_SESSIONS).parse().expect("a count");
            ended_sessions += ended;
            thread::sleep(Duration::from_millis(50 + dice.roll(300)));
        }
        let ended = voyage.finish(sync, running, "and its sessions are ended");
        alone += u64::from(went_on(&ended));
        voyage.gets_over(sync);
    }
    assert!(ended_sessions >= runs, "{ended_sessions} sessions were ended");
    println!("{ended_sessions} ended sessions, {alone} of {runs} runs went on by themselves: 0 lost, 0 doubled");
}

#[test]
fn a_connection_cut_at_any_byte_loses_nothing_and_doubles_nothing() {
    let Some(server) = postgres::server() else { return };
    let database = server.empty();
    let Some(socket) = proxy::socket_of(&database.url) else {
        return tools::skip("a connection that is cut", "the server is not behind a socket of this machine")
            .unwrap_or_default();
    };
    let seed = dice::seed();
    let mut dice = Dice::new(seed);
    let proxy = Proxy::start(socket);
    let through = proxy.url(database.name());
    let mut voyage = Voyage::on(Base::Server(database), &format!("NANGO_TEST_SEED={seed}, a cut"), seed, 700);
    let cuts = if dice::is_long() { 500 } else { 8 };
    let (mut done, mut alone) = (0, 0);
    for n in 0..cuts {
        let sync = *dice.one_of(&Sync::BOTH);
        voyage.usual(sync);
        voyage.upstream_changes();
        let cut = match n % 4 {
            0 => Cut::BeforeCommit(1 + dice.roll(10)),
            1 => Cut::AfterCommit(1 + dice.roll(10)),
            2 => Cut::ToServer(dice.roll(60_000)),
            _ => Cut::FromServer(dice.roll(20_000)),
        };
        proxy.cut(cut);
        let ended = voyage.run_with(sync, &[("NANGO_DATABASE_URL", OsStr::new(&through))]);
        let was_cut = proxy.was_cut();
        voyage.note(&format!("{cut:?}: {was_cut}"));
        assert!(was_cut || ended.status == Some(0), "{}{}", ended.stdout, ended.stderr);
        done += u64::from(was_cut);
        alone += u64::from(went_on(&ended) && was_cut);
        voyage.gets_over(sync);
    }
    assert!(done >= cuts / 2, "{done} of {cuts} were cut");
    println!("{done} cuts, {alone} runs went on by themselves: 0 lost, 0 doubled");
}
