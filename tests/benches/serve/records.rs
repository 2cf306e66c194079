//! Pages of `GET /records`, compared with raw SQL and minimal serialisation, over HTTP and without it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use nango_tests::{
    api_server::API_KEY,
    measure::{self, Outcome, median},
};

use crate::{
    filled::BenchStore,
    raw_feed::raw,
    raw_server::RawServer,
    server::{self, Server},
};

const RECORDS: u64 = 20_000;
const ROUNDS: usize = 5;
/// Number of reads of the whole feed per round, because CPU is measured in steps of 10 ms.
const READS: usize = 10;

/// Measures the CPU of the server on a database with records.
pub(crate) fn run(runtime: &tokio::runtime::Runtime) -> Outcome {
    let folder = tempfile::tempdir()?;
    server::prepare(folder.path(), None)?;
    drop(runtime.block_on(BenchStore::open(folder.path(), RECORDS))?);
    let server = Server::start(folder.path(), None)?;
    let database = folder.path().join("nango.db");
    let raw_server = RawServer::start(&database)?;
    for limit in [100, 1_000] {
        let (mut to_file, mut to_server) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let cpu = cpu_of_reads(server.pid(), &server.address, limit)?;
            let raw_cpu = cpu_of_reads(raw_server.pid(), &raw_server.address, limit)?;
            let in_process = measure::in_process(|| (0..READS).try_for_each(|_| raw(&database, limit).map(drop)))?;
            to_file.push(cpu / in_process.cpu);
            to_server.push(cpu / raw_cpu);
        }
        println!(
            "GET /records, pages of {limit}, SQLite: CPU {:.2} × raw SQL served by axum, goal 1.5; {:.2} × raw SQL \
             without HTTP",
            median(to_server),
            median(to_file)
        );
    }
    Ok(())
}

/// Reads the feed several times, and returns the CPU seconds of the server.
fn cpu_of_reads(pid: u32, address: &str, limit: u32) -> Outcome<f64> {
    let before = measure::cpu_of(pid)?;
    for _ in 0..READS {
        read(address, limit)?;
    }
    Ok(measure::cpu_of(pid)? - before)
}

/// Reads the feed over one connection.
fn read(address: &str, limit: u32) -> Outcome {
    let socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    let mut socket = BufReader::with_capacity(64 << 10, socket);
    let (mut cursor, mut records, mut body) = (String::new(), 0, Vec::new());
    loop {
        let request = format!(
            "GET /records?model=Document&limit={limit}{cursor} HTTP/1.1\r\nhost: {address}\r\n\
             authorization: Bearer {API_KEY}\r\nconnection-id: one\r\nprovider-config-key: bench\r\n\r\n"
        );
        socket.get_mut().write_all(request.as_bytes())?;
        let (mut line, mut length) = (String::new(), 0);
        while {
            line.clear();
            socket.read_line(&mut line)?
        } > 2
        {
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.trim().parse()?;
            }
        }
        body.resize(length, 0);
        socket.read_exact(&mut body)?;
        records += memchr::memmem::find_iter(&body, b"\"_nango_metadata\"").count() as u64;
        // The cursor of the next page is the last field.
        let end = String::from_utf8_lossy(&body[body.len().saturating_sub(200)..]).into_owned();
        let Some((_, next)) = end.rsplit_once("\"next_cursor\":\"") else { break };
        cursor = format!("&cursor={}", next.split('"').next().unwrap_or_default());
    }
    if records == RECORDS { Ok(()) } else { Err(format!("{records} of {RECORDS} records were read").into()) }
}
