//! Cache benchmarks: cost of the cache alone. The bench `sync` measures complete syncs of one connection.
//!
//! ```text
//! cargo bench -p nango-tests --bench cache                  # all but `large`
//! cargo bench -p nango-tests --bench cache -- feed          # the feed against raw SQL and serialisation
//! cargo bench -p nango-tests --bench cache -- update        # batch_update against read, change and save
//! cargo bench -p nango-tests --bench cache -- many          # 200 concurrent connections against one
//! cargo bench -p nango-tests --bench cache -- sealing       # encrypted payloads against plain text
//! cargo bench -p nango-tests --bench cache -- large         # 1,000,000 records: memory, and cost as it grows
//! ```
//!
//! Ratios are computed within a round of interleaved measurements; the result is the median of five. Linux only.

#![expect(clippy::print_stdout, reason = "the measurements are this program's output")]

mod feed;
mod filled;
mod large;
mod many;
mod raw_feed;
mod sealing;
mod update;

use nango_tests::measure::Outcome;

fn main() -> Outcome {
    let requested: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let is = |name: &str| requested.is_empty() || requested.iter().any(|arg| arg == name);
    if is("feed") {
        feed::run()?;
    }
    if is("update") {
        update::run()?;
    }
    if is("many") {
        many::run()?;
    }
    if is("sealing") {
        sealing::run()?;
    }
    if requested.iter().any(|arg| arg == "large") {
        large::run()?;
    }
    Ok(())
}
