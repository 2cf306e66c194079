//! Cost of a mapper with `each`: the lists of many parents, which are records in the cache.
//!
//! ```text
//! cargo bench -p nango-tests --bench each                  # 1,000 and 100,000 parents, SQLite
//! cargo bench -p nango-tests --bench each -- postgres      # on a throw-away PostgreSQL
//! cargo bench -p nango-tests --bench each -- 500 20000     # other numbers of parents
//! ```
//!
//! The parents are issues, and the list of each has two comments. A first run adds the comments, a second one finds
//! them unchanged, and a third one continues a run that was interrupted after about three quarters of its time. Each
//! run is a separate process, which is this program as a `registry`; CPU is user and system time of that process, plus
//! that of the server on PostgreSQL. The API runs in this process and is not counted. Memory must not depend on the
//! number of parents: its peak is compared with that of the first number. Linux only: CPU and memory are read from
//! `/proc`.

#![expect(clippy::print_stdout, reason = "the measurements are this program's output")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use nango_tests::{
    bench_server::BenchServer,
    measure::{self, Cost, Outcome},
    measured_cluster::MeasuredCluster,
    postgres::Database,
};

/// Argument for a process that is a registry with the syncs below.
const REGISTRY: &str = "REGISTRY_OF_BENCH";

/// Exit code of a command that Ctrl-C interrupts.
const INTERRUPTED: i32 = 130;

/// Functions of the integration `bench`.
mod bench {
    use nango_core::prelude::*;

    /// An issue of the bench server, which is a parent.
    #[model]
    pub(super) struct Issue {
        id: u64,
        number: u64,
        title: String,
        updated_at: String,
    }

    /// A comment of an issue.
    #[model]
    pub(super) struct Comment {
        id: u64,
        issue: u64,
        body: String,
    }

    /// A comment as the API returns it.
    #[derive(serde::Deserialize)]
    pub(super) struct RawComment {
        id: u64,
        body: String,
    }

    /// Syncs the issues, which are the parents.
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
    fn issues(issue: Issue) -> Issue {
        issue
    }

    /// Syncs the comments of all issues, and deletes those that a list no longer has.
    #[sync(
        model = "Comment",
        each = Issue,
        endpoint = "/issues/{each.number}/comments",
        paginate(cursor(name = "cursor", path = "next_cursor"), response_path = "items"),
        track_deletes
    )]
    fn comments(issue: &Issue, raw: RawComment) -> Comment {
        Comment { id: raw.id, issue: issue.number, body: raw.body }
    }
}

fn main() -> ExitCode {
    if std::env::var_os(REGISTRY).is_some() {
        return nango_core::App::new().main();
    }
    match measure_all() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure_all() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut numbers: Vec<u64> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    if numbers.is_empty() {
        numbers = vec![1_000, 100_000];
    }
    let cluster = if args.iter().any(|arg| arg == "postgres") { Some(MeasuredCluster::start(&[])?) } else { None };
    println!("{}", if cluster.is_some() { "PostgreSQL" } else { "SQLite" });
    println!("CPU seconds (wall seconds, peak MB), CPU of a parent in microseconds");
    let mut base = [0.0; 3];
    for parents in numbers {
        for (phase, (name, cost)) in measure_parents(parents, cluster.as_ref())?.into_iter().enumerate() {
            let each = cost.cpu * 1e6 / u32::try_from(parents).map_or(f64::INFINITY, f64::from);
            println!("{parents} parents, {name}: {cost}, {each:.0} µs");
            if base[phase] == 0.0 {
                base[phase] = cost.peak_mb;
            } else {
                println!("    peak memory: {:.2} times that of the first number", cost.peak_mb / base[phase]);
            }
        }
    }
    Ok(())
}

/// Measures a first run, an unchanged one, and one that continues an interrupted run.
fn measure_parents(parents: u64, cluster: Option<&MeasuredCluster>) -> Outcome<[(&'static str, Cost); 3]> {
    let server = BenchServer::start(parents);
    let side = Side::start(server.url(), cluster)?;
    side.run("issues")?;
    let first = side.run("comments")?;
    let unchanged = side.run("comments")?;
    side.interrupt_after("comments", unchanged.wall.mul_f64(0.75))?;
    let continued = side.run("comments")?;
    Ok([("first", first), ("unchanged", unchanged), ("continued", continued)])
}

/// A folder and a database with one connection.
struct Side<'a> {
    home: tempfile::TempDir,
    cluster: Option<&'a MeasuredCluster>,
    database: Option<Database>,
}

impl<'a> Side<'a> {
    fn start(api: &str, cluster: Option<&'a MeasuredCluster>) -> Outcome<Self> {
        let home = tempfile::tempdir()?;
        let config = format!("[integrations.bench]\nprovider = \"github\"\nbase_url = \"{api}\"\n");
        fs::write(home.path().join("nango.toml"), config)?;
        let side = Self { home, cluster, database: cluster.map(MeasuredCluster::database) };
        let mut add = side.registry(&["connection", "add", "bench", "me", "--auth", "none"])?;
        measure::child_process(&mut add, |_| {})?;
        Ok(side)
    }

    /// Runs a sync to its end, and returns its cost with that of the database server.
    fn run(&self, sync: &str) -> Outcome<Cost> {
        let server = || self.cluster.map_or(Ok(0.0), MeasuredCluster::cpu);
        let before = server()?;
        let mut cost = measure::child_process(&mut self.sync(sync)?, |_| {})?;
        cost.cpu += server()? - before;
        Ok(cost)
    }

    /// Interrupts a run after some time, as Ctrl-C does.
    fn interrupt_after(&self, sync: &str, time: Duration) -> Outcome {
        let mut child = self.sync(sync)?.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        thread::sleep(time);
        Command::new("kill").args(["-INT", &child.id().to_string()]).status()?;
        let status = child.wait()?;
        if status.code() == Some(INTERRUPTED) {
            return Ok(());
        }
        Err(format!("the run `{sync}` was not interrupted: {status}").into())
    }

    fn sync(&self, name: &str) -> Outcome<Command> {
        self.registry(&["run", "bench", name, "--connection", "me", "--json"])
    }

    fn registry(&self, args: &[&str]) -> Outcome<Command> {
        let (program, home): (PathBuf, &Path) = (std::env::current_exe()?, self.home.path());
        let mut command = Command::new(program);
        command.args(args).current_dir(home).env(REGISTRY, "1").env_remove("NANGO_DATABASE_URL");
        if let Some(database) = &self.database {
            command.env("NANGO_DATABASE_URL", &database.url);
        }
        Ok(command)
    }
}
