//! The server for measurements as a separate program:
//! `cargo run --release -p nango-tests --example bench-server -- [RECORDS] [PORT]`.
//!
//! It prints its address when it accepts requests, and runs until it is killed. The endpoints are documented in
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
        println!("usage: bench-server [RECORDS (default: 100000)] [PORT (default: a free one)]");
        return ExitCode::from(2);
    };
    let server = BenchServer::start_at(SocketAddr::from(([127, 0, 0, 1], port)), records);
    println!("{}", server.url());
    loop {
        std::thread::park();
    }
}
