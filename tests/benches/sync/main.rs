//! What a sync costs: `registry run github repo-issues` on a deterministic server, against the yardstick, the same job
//! written by hand for nothing else.
//!
//! ```text
//! cargo bench -p nango-tests --bench sync                  # 100,000 records, 5 interleaved rounds
//! cargo bench -p nango-tests --bench sync -- 20000 3       # 20,000 records, 3 rounds
//! cargo bench -p nango-tests --bench sync -- postgres      # on a throw-away PostgreSQL
//! cargo bench -p nango-tests --bench sync -- cliff         # PostgreSQL, never analysed: 20,000 records and 100,000
//! ```
//!
//! A round is a first, an unchanged and a 1 % changed run of each, in turn, each in a process of its own. CPU is user
//! and system time of that process, and on PostgreSQL that of the server; the ratio is taken within a round, and its
//! median counts. The API runs in this process and is not counted. Linux only: CPU and memory are read from `/proc`.

#![expect(clippy::print_stdout, reason = "the figures are this program's output")]

mod baseline;
mod by_hand;
mod postgres;

use std::{path::Path, process::Command};

use nango_tests::{
    bench_server::{BenchServer, Mutation},
    measure::{self, Cost, Outcome, median},
    release_registry::ReleaseRegistry,
};

/// The argument with which this program is the yardstick.
const BASELINE: &str = "--yardstick";
/// The argument with which it only fetches.
const FETCH: &str = "--fetch";
const PHASES: [&str; 3] = ["first", "unchanged", "1 % changed"];

fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [FETCH, url] => return by_hand::for_each_page(url, |_| Ok(())),
        [BASELINE, url, place] => {
            let [added, updated, unchanged] = if place.starts_with("postgres") {
                postgres::run(url, place)?
            } else {
                baseline::run(url, Path::new(place))?
            };
            println!("added {added}, updated {updated}, unchanged {unchanged}");
            return Ok(());
        }
        _ => {}
    }
    let mut numbers = args.iter().filter_map(|arg| arg.parse::<u64>().ok());
    let (records, rounds) = (numbers.next().unwrap_or(100_000), numbers.next().unwrap_or(5));
    let is = |name: &str| args.iter().any(|arg| arg == name);
    if is("cliff") {
        return postgres::check_plan_without_analyze();
    }
    compare(records, rounds, is("postgres"))
}

fn compare(records: u64, rounds: u64, postgres: bool) -> Outcome {
    let cluster = if postgres { Some(postgres::Cluster::start(&[])?) } else { None };
    println!("{records} records, {rounds} rounds; CPU seconds (wall seconds, peak MB)");
    let mut ratios = [const { Vec::new() }; 3];
    let mut costs = [const { Vec::new() }; 3];
    let (mut fetches, mut walls) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let server = BenchServer::start(records);
        let home = tempfile::tempdir()?;
        let databases = cluster.as_ref().map(|cluster| [cluster.database(), cluster.database()]);
        let urls = databases.as_ref().map(|[ours, theirs]| [ours.url.as_str(), theirs.url.as_str()]);
        let product = ReleaseRegistry::github(home.path(), server.url(), urls.map(|[ours, _]| ours))?;
        let file = home.path().join("yardstick.db").display().to_string();
        let place = urls.map_or(file.as_str(), |[_, theirs]| theirs);
        let cost = |command: &mut Command| -> Outcome<Cost> {
            let before = cluster.as_ref().map_or(Ok(0.0), postgres::Cluster::cpu)?;
            let mut cost = measure::child_process(command, |_| {})?;
            cost.cpu += cluster.as_ref().map_or(Ok(0.0), postgres::Cluster::cpu)? - before;
            Ok(cost)
        };
        let fetch = cost(Command::new(std::env::current_exe()?).args([FETCH, server.url()]))?;
        fetches.push(fetch.wall.as_secs_f64());
        for (phase, name) in PHASES.into_iter().enumerate() {
            if phase == 2 {
                server.mutate(Mutation { changed_per_mille: 10, deleted_per_mille: 0, seed: round });
            }
            let run_yard = || cost(Command::new(std::env::current_exe()?).args([BASELINE, server.url(), place]));
            let (yardstick, ours) = if round % 2 == 0 {
                let yardstick = run_yard()?;
                (yardstick, cost(&mut product.sync())?)
            } else {
                let ours = cost(&mut product.sync())?;
                (run_yard()?, ours)
            };
            let ratio = ours.cpu / yardstick.cpu;
            println!("round {round}, {name}: yardstick {yardstick}, registry {ours}, ratio {ratio:.2}");
            ratios[phase].push(ratio);
            costs[phase].push(ours.cpu);
            if phase == 0 {
                walls.push(ours.wall.as_secs_f64());
            }
        }
    }
    let [first, unchanged, changed] = ratios.map(median);
    let [first_cpu, unchanged_cpu, _] = costs.map(median);
    println!("median ratio: first {first:.2}, unchanged {unchanged:.2}, 1 % changed {changed:.2}");
    println!("unchanged / first {:.2}", unchanged_cpu / first_cpu);
    println!("fetching alone takes {:.2} s, a first run {:.2} s", median(fetches), median(walls));
    Ok(())
}
