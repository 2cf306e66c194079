//! What a sync costs: `registry run github repo-issues` on a deterministic server, against the yardstick, the same job
//! written by hand for nothing else.
//!
//! ```text
//! cargo bench -p nango-tests --bench sync                  # 100,000 records, 5 interleaved rounds
//! cargo bench -p nango-tests --bench sync -- 20000 3       # 20,000 records, 3 rounds
//! ```
//!
//! A round is a first and an unchanged run of each, in turn, each in a process of its own. CPU is user and system time
//! of that process; the ratio is taken within a round, and its median counts. The server runs in this process and is
//! not counted. Linux only: CPU and memory are read from `/proc`.

#![expect(clippy::print_stdout, reason = "the figures are this program's output")]

mod yardstick;

use std::{
    error::Error,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nango_tests::bench_server::BenchServer;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// The argument with which this program is the yardstick.
const YARDSTICK: &str = "--yardstick";

fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let [flag, url, path] = args.as_slice()
        && flag == YARDSTICK
    {
        let [added, updated, unchanged] = yardstick::run(url, Path::new(path))?;
        println!("added {added}, updated {updated}, unchanged {unchanged}");
        return Ok(());
    }
    let mut numbers = args.iter().filter_map(|arg| arg.parse::<u64>().ok());
    let (records, rounds) = (numbers.next().unwrap_or(100_000), numbers.next().unwrap_or(5));
    let registry = release_registry()?;
    let server = BenchServer::start(records);
    println!("{records} records, {rounds} rounds; CPU seconds (wall seconds, peak MB)");
    let mut ratios = [Vec::new(), Vec::new()];
    let mut products = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        let home = tempfile::tempdir()?;
        let product = Product::new(home.path(), &registry, server.url())?;
        let yard = home.path().join("yardstick.db");
        for (phase, name) in ["first", "unchanged"].into_iter().enumerate() {
            let run_yard =
                || measure(Command::new(std::env::current_exe()?).args([YARDSTICK, server.url()]).arg(&yard));
            let (yardstick, product) = if round % 2 == 0 {
                let yardstick = run_yard()?;
                (yardstick, product.run()?)
            } else {
                let product = product.run()?;
                (run_yard()?, product)
            };
            println!(
                "round {}, {name}: yardstick {yardstick}, registry {product}, ratio {:.2}",
                round + 1,
                product.cpu / yardstick.cpu
            );
            ratios[phase].push(product.cpu / yardstick.cpu);
            products[phase].push(product.cpu);
        }
    }
    let [first, unchanged] = ratios.map(median);
    let [first_cpu, unchanged_cpu] = products.map(median);
    println!(
        "median ratio: first {first:.2}, unchanged {unchanged:.2}; unchanged / first {:.2}",
        unchanged_cpu / first_cpu
    );
    Ok(())
}

struct Product<'a> {
    home: &'a Path,
    registry: &'a Path,
}

impl<'a> Product<'a> {
    fn new(home: &'a Path, registry: &'a Path, url: &str) -> Outcome<Self> {
        fs::write(home.join("nango.toml"), format!("[integrations.github]\nbase_url = \"{url}\"\n"))?;
        let product = Self { home, registry };
        let added = product.command(&["connection", "add", "github", "bench", "--auth", "none"]).output()?;
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        let set = ["connection", "set-metadata", "github", "bench", r#"{"owner":"o","repo":"r"}"#];
        assert!(product.command(&set).output()?.status.success());
        Ok(product)
    }

    fn run(&self) -> Outcome<Figures> {
        measure(&mut self.command(&["run", "github", "repo-issues", "--connection", "bench", "--json"]))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.registry);
        command.args(args).current_dir(self.home);
        command
    }
}

struct Figures {
    cpu: f64,
    wall: Duration,
    peak_mb: f64,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2}, {:.0})", self.cpu, self.wall.as_secs_f64(), self.peak_mb)
    }
}

fn measure(command: &mut Command) -> Outcome<Figures> {
    let before = children_seconds()?;
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let peak_mb = watch(&mut child)?;
    let output = child.wait_with_output()?;
    let wall = started.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(Figures { cpu: children_seconds()? - before, wall, peak_mb })
}

/// Waits for the end and gives the peak of the resident memory that was seen.
fn watch(child: &mut Child) -> Outcome<f64> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak: f64 = 0.0;
    while child.try_wait()?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes: f64 = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0.0);
        peak = peak.max(kilobytes / 1024.0);
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(peak)
}

/// CPU of the children that were waited for.
fn children_seconds() -> Outcome<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(13) + ticks(14)) / 100.0)
}

fn release_registry() -> Outcome<std::path::PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "-p", "integrations", "--bin", "registry"])
        .current_dir(&root)
        .status()?;
    assert!(built.success(), "the registry was not built");
    let mut target = std::env::current_exe()?;
    // target/release/deps/sync-… → target/release/registry
    target.pop();
    target.pop();
    Ok(target.join("registry"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
