//! Load of `registry serve`: actions, pages of records, memory and start, on SQLite or PostgreSQL.
//!
//! ```text
//! cargo bench -p nango-tests --bench serve                     # SQLite
//! cargo bench -p nango-tests --bench serve -- postgres         # PostgreSQL with fsync
//! cargo bench -p nango-tests --bench serve -- records          # SQLite, only the pages of records
//! ```
//!
//! The server is this program, started again as a registry with an action without I/O and a sync, so that it has the
//! profile of a release. The clients send over 32 connections from this process, on the same processors:
//!
//! - **actions**: latency without pause (as many requests as the server answers) and at 1,000 requests per second, and
//!   the same with `Idempotency-Key`, whose runs are written before the answer, and for `GET /health`, which costs
//!   neither a key nor the database;
//! - **records** (SQLite): CPU of the server for a feed of 20,000 records of 2.5 KB in pages of 100 and 1,000, compared
//!   with raw SQL and minimal serialisation, served by axum without anything else and without HTTP, as ratios within a
//!   round;
//! - **start** to the first answer, and **memory** of an idle server, without and with 1,000 schedules.
//!
//! Linux only.

#![expect(clippy::print_stdout, reason = "the measurements are this program's output")]

mod bench;
#[expect(dead_code, reason = "the bench `cache` uses the other parts")]
#[path = "../cache/filled.rs"]
mod filled;
mod load;
#[path = "../cache/raw_feed.rs"]
mod raw_feed;
mod raw_server;
mod records;
mod server;

use std::{fs, io::Write, path::Path, time::Instant};

use nango_tests::{
    measure::{Outcome, median},
    measured_cluster::MeasuredCluster,
};

use load::{Latencies, Load};
use server::Server;

/// Number of starts that are measured.
const STARTS: usize = 11;
/// Number of connections of the schedules.
const SCHEDULES: usize = 1_000;

fn main() -> Outcome {
    if std::env::var_os(server::AS_REGISTRY).is_some() {
        let code = nango_core::main();
        // The exit code is that of the registry.
        return if code == std::process::ExitCode::SUCCESS { Ok(()) } else { Err("the registry failed".into()) };
    }
    if let Some(database) = std::env::var_os(raw_server::AS_RAW_SERVER) {
        return raw_server::serve(Path::new(&database));
    }
    let folder = tempfile::tempdir()?;
    println!("fsync of this disk: {:.2} ms (median of 200 writes of 4 KB)", fsync_latency(folder.path())?);
    // Both end when they are dropped.
    let cluster = has_argument("postgres").then(|| MeasuredCluster::start(&[])).transpose()?;
    let database = cluster.as_ref().map(MeasuredCluster::database);
    let database = database.as_ref().map(|database| database.url.as_str());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    if has_argument("records") {
        return records::run(&runtime);
    }
    server::prepare(folder.path(), database)?;

    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        let server = Server::start(folder.path(), database)?;
        server.first_answer()?;
        starts.push(started.elapsed().as_secs_f64() * 1e3);
    }
    println!("start to the first answer: {:.0} ms (median of {STARTS}), goal 50 ms", median(starts));

    let server = Server::start(folder.path(), database)?;
    println!("idle: {}, goal 20 MB", server.idle_memory());
    let loads = [
        ("action", Load::action(&server, false)),
        ("action with Idempotency-Key", Load::action(&server, true)),
        ("GET /health", Load::health(&server)),
    ];
    for (name, load) in &loads {
        report(name, "without pause", &runtime.block_on(load.without_pause())?);
        report(name, "1,000 requests/s", &runtime.block_on(load.at_rate(1_000))?);
    }
    println!("goal of an action: p50 1 ms, p99 5 ms");
    drop(server);
    if database.is_none() {
        records::run(&runtime)?;
    }

    server::add_schedules(&runtime, folder.path(), database, SCHEDULES)?;
    let server = Server::start(folder.path(), database)?;
    println!("idle with {SCHEDULES} schedules: {}, goal 40 MB", server.idle_memory());
    Ok(())
}

fn has_argument(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}

fn report(name: &str, rate: &str, latencies: &Latencies) {
    println!(
        "{name}, {} connections, {rate}: p50 {:.2} ms, p99 {:.2} ms, {:.0} requests/s",
        load::CONNECTIONS,
        latencies.percentile(50),
        latencies.percentile(99),
        latencies.per_second()
    );
}

/// Returns the median duration of a flush to the disk in milliseconds.
fn fsync_latency(folder: &Path) -> Outcome<f64> {
    let mut file = fs::File::create(folder.join("fsync"))?;
    let mut durations = Vec::new();
    for _ in 0..200 {
        file.write_all(&[7; 4096])?;
        let started = Instant::now();
        file.sync_data()?;
        durations.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(durations))
}
