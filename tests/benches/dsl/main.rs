//! Compile-time cost of the attributes: 500 models and 500 functions with `#[model]`, `#[sync]` and `#[action]`,
//! compared with the same crate with the attributes' expansion written by hand.
//!
//! ```text
//! cargo bench -p nango-tests --bench dsl                    # 7 interleaved rounds of a cold `cargo check`
//! cargo bench -p nango-tests --bench dsl -- 200 3           # 200 + 200, 3 rounds
//! ```
//!
//! Both crates depend on this tree's `nango-core`, built beforehand. A round cleans both crates and checks each; the
//! result is the user CPU of cargo and its children. The order alternates; the median is reported.

#![expect(clippy::print_stdout, reason = "the measurements are this program's output")]

mod generate;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let mut numbers = std::env::args().skip(1).filter_map(|arg| arg.parse::<usize>().ok());
    let (functions, rounds) = (numbers.next().unwrap_or(500), numbers.next().unwrap_or(7));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let work = root.join("target").join("bench-dsl");
    for (name, style) in [("macros", generate::Style::Attributes), ("byhand", generate::Style::ByHand)] {
        generate::krate(&work.join(name), name, &root, functions, style)?;
    }
    fs::copy(root.join("Cargo.lock"), work.join("Cargo.lock"))?;
    fs::copy(root.join("rust-toolchain.toml"), work.join("rust-toolchain.toml"))?;
    fs::write(work.join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"macros\", \"byhand\"]\n")?;

    println!("{functions} models + {functions} functions, user CPU seconds of a cold `cargo check`");
    check(&work, "macros")?;
    let (mut macros, mut by_hand) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let mut order = [("macros", &mut macros), ("byhand", &mut by_hand)];
        if round % 2 == 1 {
            order.reverse();
        }
        for (name, seconds) in order {
            seconds.push(cold(&work, name)?);
        }
        println!("round {}: macros {:.2}, by hand {:.2}", round + 1, macros[round], by_hand[round]);
    }
    let (macros, by_hand) = (median(&mut macros), median(&mut by_hand));
    println!("median: macros {macros:.2}, by hand {by_hand:.2}, ratio {:.3}", macros / by_hand);
    Ok(())
}

fn cold(work: &Path, package: &str) -> Outcome<f64> {
    let status = cargo(work).args(["clean", "--quiet", "--package", package]).status()?;
    assert!(status.success(), "cargo clean failed");
    let before = children_user_seconds()?;
    check(work, package)?;
    Ok(children_user_seconds()? - before)
}

fn check(work: &Path, package: &str) -> Outcome {
    let output = cargo(work).args(["check", "--offline", "--quiet", "--package", package]).output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}

fn cargo(work: &Path) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(work).env("CARGO_TARGET_DIR", target(work)).env("CARGO_INCREMENTAL", "0").stdin(Stdio::null());
    cargo
}

fn target(work: &Path) -> PathBuf {
    work.join("target")
}

/// Returns the user CPU seconds of the children that were waited for, from `/proc` (Linux only).
fn children_user_seconds() -> Outcome<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: f64 = fields.get(13).ok_or("an unknown /proc/self/stat")?.parse()?;
    Ok(ticks / 100.0)
}

fn median(seconds: &mut [f64]) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
