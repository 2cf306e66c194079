//! Server without anything but the pages of one table: raw SQL, minimal serialisation, and axum.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Query, State},
    response::IntoResponse,
    routing::get,
};
use nango_tests::measure::Outcome;
use rusqlite::Connection;

use crate::raw_feed::raw_page;

/// Variable with which this program is the server; its value is the file of the database.
pub(crate) const AS_RAW_SERVER: &str = "NANGO_BENCH_AS_RAW_SERVER";

/// A running server, which is killed when this value is dropped.
#[derive(Debug)]
pub(crate) struct RawServer {
    process: Child,
    /// Address of the listener as `host:port`.
    pub(crate) address: String,
}

impl RawServer {
    /// Starts a server, and waits until it has printed its address.
    pub(crate) fn start(database: &Path) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.env(AS_RAW_SERVER, database).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(process.stdout.take().ok_or("no stdout")?).read_line(&mut address)?;
        Ok(Self { process, address: address.trim().to_owned() })
    }

    /// Returns the process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Debug, serde::Deserialize)]
struct Page {
    limit: u32,
    #[serde(default)]
    cursor: i64,
}

/// Serves the pages of a database until the process is killed.
pub(crate) fn serve(database: &Path) -> Outcome {
    let db = Arc::new(Mutex::new(Connection::open(database)?));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        axum::serve(listener, Router::new().route("/records", get(page)).with_state(db)).await?;
        Ok(())
    })
}

async fn page(State(db): State<Arc<Mutex<Connection>>>, Query(page): Query<Page>) -> impl IntoResponse {
    let read = tokio::task::spawn_blocking(move || {
        let db = db.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut after, mut json) = (page.cursor, Vec::new());
        let count = raw_page(&db, &mut after, page.limit, &mut json).map_err(|error| error.to_string())?;
        json.pop();
        let next = if count == page.limit { format!("\"{after}\"") } else { "null".to_owned() };
        json.extend_from_slice(format!(",\"next_cursor\":{next}}}").as_bytes());
        Ok::<_, String>(json)
    });
    read.await.unwrap_or_else(|error| Err(error.to_string()))
}
