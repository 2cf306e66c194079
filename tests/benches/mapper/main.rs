//! Cost of a mapper over POST, compared with the same mapper over GET: the same pages by cursor, in the query and in
//! the body.
//!
//! ```text
//! cargo bench -p nango-tests --bench mapper                # 100,000 records, 5 interleaved rounds
//! cargo bench -p nango-tests --bench mapper -- 20000 3
//! ```
//!
//! Each run is a separate process, which is this program as a `registry`; CPU is user and system time of that process.
//! The API runs in this process and is not counted. The ratio is computed within a round, and its median is reported.
//! Linux only: CPU is read from `/proc`.

#![expect(clippy::print_stdout, reason = "the measurements are this program's output")]

use std::{fs, path::Path, process::Command};

use nango_tests::{
    bench_server::BenchServer,
    measure::{self, Cost, Outcome, median},
};

/// Argument for a process that is a registry with the syncs below.
const REGISTRY: &str = "REGISTRY_OF_BENCH";

/// Functions of the integration `bench`.
mod bench {
    use nango_core::prelude::*;

    /// An issue of the bench server.
    #[model]
    pub(super) struct Issue {
        id: u64,
        number: u64,
        title: String,
        body: Option<String>,
        state: String,
        comments: u64,
        created_at: String,
        updated_at: String,
    }

    /// Syncs the issues with parameters in the query.
    #[sync(
        model = "Issue",
        endpoint = "/cursor/issues",
        paginate(
            cursor(name = "cursor", path = "next_cursor"),
            limit = 100,
            limit_name = "limit",
            response_path = "items"
        )
    )]
    fn by_get(issue: Issue) -> Issue {
        issue
    }

    /// Syncs the issues with parameters in the body.
    #[sync(
        model = "Issue",
        endpoint = "POST /cursor/issues",
        body = json!({ "filter": { "state": "all" } }),
        paginate(
            cursor(name = "cursor", path = "next_cursor"),
            limit = 100,
            limit_name = "limit",
            response_path = "items"
        )
    )]
    fn by_post(issue: Issue) -> Issue {
        issue
    }
}

fn main() -> Outcome {
    if std::env::var_os(REGISTRY).is_some() {
        std::process::exit(i32::from(nango_core::App::new().main() != std::process::ExitCode::SUCCESS));
    }
    let mut numbers = std::env::args().skip(1).filter_map(|arg| arg.parse::<u64>().ok());
    let (records, rounds) = (numbers.next().unwrap_or(100_000), numbers.next().unwrap_or(5));
    println!("{records} records, {rounds} rounds; CPU seconds (wall seconds, peak MB)");
    let server = BenchServer::start(records);
    let mut ratios = [Vec::new(), Vec::new()];
    for round in 1..=rounds {
        let homes = [tempfile::tempdir()?, tempfile::tempdir()?];
        for home in &homes {
            connect(home.path(), server.url())?;
        }
        for (phase, ratios) in ["first", "unchanged"].into_iter().zip(&mut ratios) {
            let mut runs = [("by-get", None), ("by-post", None)];
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for i in order {
                runs[i].1 = Some(sync(homes[i].path(), runs[i].0)?);
            }
            let [(_, Some(get)), (_, Some(post))] = runs else { continue };
            let ratio = post.cpu / get.cpu;
            println!("round {round}, {phase}: GET {get}, POST {post}, ratio {ratio:.2}");
            ratios.push(ratio);
        }
    }
    let [first, unchanged] = ratios.map(median);
    println!("median ratio of POST to GET: first {first:.2}, unchanged {unchanged:.2}");
    Ok(())
}

fn connect(home: &Path, url: &str) -> Outcome {
    fs::write(home.join("nango.toml"), format!("[integrations.bench]\nprovider = \"github\"\nbase_url = \"{url}\"\n"))?;
    measure::child_process(&mut registry(home, &["connection", "add", "bench", "me", "--auth", "none"])?, |_| {})?;
    Ok(())
}

fn sync(home: &Path, name: &str) -> Outcome<Cost> {
    measure::child_process(&mut registry(home, &["run", "bench", name, "--connection", "me", "--json"])?, |_| {})
}

fn registry(home: &Path, args: &[&str]) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(args).current_dir(home).env(REGISTRY, "1").env_remove("NANGO_DATABASE_URL");
    Ok(command)
}
