//! A million records through `registry run`: memory must not grow, and the last 100,000 records must cost as much as
//! the first.

use nango_tests::{
    bench_server::BenchServer,
    measure::{self, Outcome},
    release_registry::ReleaseRegistry,
};

const RECORDS: u64 = 1_000_000;
const BATCH: u64 = 100_000;

pub(crate) fn run() -> Outcome {
    let server = BenchServer::start(RECORDS);
    let home = tempfile::tempdir()?;
    let product = ReleaseRegistry::github(home.path(), server.url(), None)?;
    for phase in ["first", "unchanged"] {
        let before = server.requests();
        // CPU so far and peak memory at the end of each part; the prefetcher is a few pages ahead.
        let mut parts: Vec<(f64, f64)> = Vec::new();
        let cost = measure::child_process(&mut product.sync(), |pid| {
            let done = (server.requests() - before) * 100 / BATCH;
            if done > parts.len() as u64
                && let Ok(cpu) = measure::cpu_of(pid)
            {
                parts.push((cpu, measure::peak_mb(pid)));
            }
        })?;
        let (first, memory) = parts.first().copied().ok_or("no sample was taken")?;
        let (_, later) = parts.get(1).copied().ok_or("only one sample was taken")?;
        let [.., before_last, last] = parts.as_slice() else { return Err("only one sample was taken".into()) };
        println!(
            "large, {phase}: {cost}; CPU of the first {BATCH} {first:.2}, of the last {:.2}, ratio {:.2}; peak MB \
             after one part {memory:.0}, after two {later:.0}, at the end {:.0}",
            last.0 - before_last.0,
            (last.0 - before_last.0) / first,
            cost.peak_mb
        );
    }
    Ok(())
}
