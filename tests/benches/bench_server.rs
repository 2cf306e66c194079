//! The server of the measurements, as a program of its own:
//! `cargo run --release -p nango-tests --example bench-server -- [RECORDS] [PORT]`.
//!
//! It prints its address when it listens, and serves until it is stopped. The endpoints are in
//! [`nango_tests::bench_server`].

#![expect(clippy::print_stdout, reason = "the address is this program's output")]

use std::env;
use std::net::SocketAddr;
use std::process::ExitCode;

use nango_tests::bench_server::BenchServer;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let records = args.first().map_or(Ok(100_000), |records| records.parse());
    let port = args.get(1).map_or(Ok(0), |port| port.parse());
    let (Ok(records), Ok(port), true) = (records, port, args.len() < 3) else {
        println!("usage: bench-server [RECORDS, 100000 if not given] [PORT, a free one if not given]");
        return ExitCode::from(2);
    };
    let server = BenchServer::start_at(SocketAddr::from(([127, 0, 0, 1], port)), records);
    println!("{}", server.url());
    loop {
        std::thread::park();
    }
}
