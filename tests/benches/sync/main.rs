//! Sync benchmark: `registry run github repo-issues` on a deterministic server, compared with a baseline, the same job
//! written by hand for this purpose only.
//!
//! ```text
//! cargo bench -p nango-tests --bench sync                  # 100,000 records, 5 interleaved rounds
//! cargo bench -p nango-tests --bench sync -- 20000 3       # 20,000 records, 3 rounds
//! cargo bench -p nango-tests --bench sync -- postgres      # on a throw-away PostgreSQL
//! cargo bench -p nango-tests --bench sync -- cliff         # PostgreSQL, never analysed: 20,000 records and 100,000
//! ```
//!
//! A round is a first, an unchanged and a 1 % changed run of each side, in alternating order, each in a separate
//! process. CPU is user and system time of that process, plus that of the server on PostgreSQL; the ratio is computed
//! within a round, and its median is reported. The API runs in this process and is not counted. Linux only: CPU and
//! memory are read from `/proc`.

#![expect(clippy::print_stdout, reason = "the measurements are this program's output")]

mod baseline;
mod by_hand;
mod postgres;

use std::{path::Path, process::Command};

use nango_tests::{
    bench_server::{BenchServer, Mutation},
    measure::{self, Cost, Outcome, median},
    measured_cluster::MeasuredCluster,
    release_registry::ReleaseRegistry,
};

/// Argument for a process that runs the baseline.
const BASELINE: &str = "--baseline";
/// Argument for a process that only fetches.
const FETCH: &str = "--fetch";
const PHASES: [&str; 3] = ["first", "unchanged", "1 % changed"];

fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [FETCH, url] => return by_hand::for_each_page(url, |_| Ok(())),
        [BASELINE, url, target] => {
            let [added, updated, unchanged] = if target.starts_with("postgres") {
                postgres::run(url, target)?
            } else {
                baseline::run(url, Path::new(target))?
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
    let cluster = if postgres { Some(MeasuredCluster::start(&[])?) } else { None };
    println!("{records} records, {rounds} rounds; CPU seconds (wall seconds, peak MB)");
    let mut ratios = [const { Vec::new() }; 3];
    let mut costs = [const { Vec::new() }; 3];
    let (mut fetches, mut walls) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let server = BenchServer::start(records);
        let home = tempfile::tempdir()?;
        let databases = cluster.as_ref().map(|cluster| [cluster.database(), cluster.database()]);
        let urls = databases.as_ref().map(|[product, baseline]| [product.url.as_str(), baseline.url.as_str()]);
        let product = ReleaseRegistry::github(home.path(), server.url(), urls.map(|[url, _]| url))?;
        let file = home.path().join("baseline.db").display().to_string();
        let target = urls.map_or(file.as_str(), |[_, baseline]| baseline);
        let cost = |command: &mut Command| -> Outcome<Cost> {
            let before = cluster.as_ref().map_or(Ok(0.0), MeasuredCluster::cpu)?;
            let mut cost = measure::child_process(command, |_| {})?;
            cost.cpu += cluster.as_ref().map_or(Ok(0.0), MeasuredCluster::cpu)? - before;
            Ok(cost)
        };
        let fetch = cost(Command::new(std::env::current_exe()?).args([FETCH, server.url()]))?;
        fetches.push(fetch.wall.as_secs_f64());
        for (phase, name) in PHASES.into_iter().enumerate() {
            if phase == 2 {
                server.mutate(Mutation { changed_per_mille: 10, deleted_per_mille: 0, seed: round });
            }
            let run_baseline = || cost(Command::new(std::env::current_exe()?).args([BASELINE, server.url(), target]));
            let (baseline, registry) = if round % 2 == 0 {
                let baseline = run_baseline()?;
                (baseline, cost(&mut product.sync())?)
            } else {
                let registry = cost(&mut product.sync())?;
                (run_baseline()?, registry)
            };
            let ratio = registry.cpu / baseline.cpu;
            println!("round {round}, {name}: baseline {baseline}, registry {registry}, ratio {ratio:.2}");
            ratios[phase].push(ratio);
            costs[phase].push(registry.cpu);
            if phase == 0 {
                walls.push(registry.wall.as_secs_f64());
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
