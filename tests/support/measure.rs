//! Measurement of CPU seconds and resident memory of processes, read from `/proc` (Linux only).
//!
//! CPU is user and system time. The resolution is 10 ms, so a measurement should take a second or more.

use std::{
    error::Error,
    fmt, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The result of a measurement.
pub type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// CPU, duration and memory of a process.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// CPU time in seconds.
    pub cpu: f64,
    /// Duration from start to end.
    pub wall: Duration,
    /// Peak of the resident memory in MB; 0 if it was not sampled.
    pub peak_mb: f64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2}, {:.0})", self.cpu, self.wall.as_secs_f64(), self.peak_mb)
    }
}

/// Runs a command to its end. `sample` is called about every 10 ms with its process id.
///
/// # Errors
///
/// Fails if the command cannot be run or does not succeed; the error contains its stderr.
pub fn child_process(command: &mut Command, mut sample: impl FnMut(u32)) -> Outcome<Cost> {
    let before = cpu_of_children()?;
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let peak_mb = wait_and_sample(&mut child, &mut sample)?;
    let output = child.wait_with_output()?;
    let wall = started.elapsed();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(Cost { cpu: cpu_of_children()? - before, wall, peak_mb })
}

/// Measures work in this process.
///
/// # Errors
///
/// Returns the error of the work.
pub fn in_process(work: impl FnOnce() -> Outcome) -> Outcome<Cost> {
    let before = cpu_of(std::process::id())?;
    let started = Instant::now();
    work()?;
    Ok(Cost { cpu: cpu_of(std::process::id())? - before, wall: started.elapsed(), peak_mb: 0.0 })
}

fn wait_and_sample(child: &mut Child, sample: &mut impl FnMut(u32)) -> Outcome<f64> {
    let mut peak: f64 = 0.0;
    while child.try_wait()?.is_none() {
        sample(child.id());
        peak = peak.max(peak_mb(child.id()));
        thread::sleep(Duration::from_millis(10));
    }
    Ok(peak)
}

/// Returns the peak of a process's resident memory in MB; 0 after it has ended.
pub fn peak_mb(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: f64 = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0.0);
    kilobytes / 1024.0
}

/// Returns the CPU seconds of a process so far, without its children.
///
/// # Errors
///
/// Fails if the process has ended.
pub fn cpu_of(pid: u32) -> Outcome<f64> {
    Ok(ticks(&stat(pid)?, [11, 12]))
}

fn cpu_of_children() -> Outcome<f64> {
    Ok(ticks(&stat(std::process::id())?, [13, 14]))
}

/// Returns the CPU seconds of a PostgreSQL server so far: of its main process, its running children, and its ended
/// children. `data` is its data folder.
///
/// # Errors
///
/// Fails if there is no server on that folder.
pub fn cpu_of_postgres(data: &Path) -> Outcome<f64> {
    let file: PathBuf = data.join("postmaster.pid");
    let main: u32 = fs::read_to_string(file)?.lines().next().unwrap_or_default().trim().parse()?;
    let own = stat(main)?;
    let mut cpu = ticks(&own, [11, 12]) + ticks(&own, [13, 14]);
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // The time of a process that ended since the folder was listed is included in that of ended children, or in the
        // next measurement.
        let Ok(fields) = stat(pid) else { continue };
        if fields.get(1).and_then(|parent| parent.parse().ok()) == Some(main) {
            cpu += ticks(&fields, [11, 12]);
        }
    }
    Ok(cpu)
}

/// Returns the fields after the name of the program: state, parent, …
fn stat(pid: u32) -> Outcome<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    Ok(stat.rsplit(')').next().unwrap_or_default().split_whitespace().map(str::to_owned).collect())
}

fn ticks(fields: &[String], indexes: [usize; 2]) -> f64 {
    indexes.into_iter().filter_map(|i| fields.get(i)?.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Returns the median.
///
/// # Panics
///
/// Panics if there are no values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
