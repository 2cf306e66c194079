//! Requests over many connections, and their latencies.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use nango_tests::{api_server::API_KEY, measure::Outcome};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::server::Server;

/// Number of connections of a load.
pub(crate) const CONNECTIONS: u32 = 32;
/// Duration before the measurement.
const WARM_UP: Duration = Duration::from_secs(1);
/// Duration of a measurement.
const DURATION: Duration = Duration::from_secs(8);

/// A request that is repeated.
#[derive(Debug)]
pub(crate) struct Load {
    address: String,
    request: Arc<[u8]>,
}

/// Latencies of a measurement in milliseconds, sorted.
#[derive(Debug)]
pub(crate) struct Latencies(Vec<f64>);

impl Latencies {
    /// Returns a percentile of the latencies.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let index = self.0.len() * percent / 100;
        self.0.get(index.min(self.0.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    }

    /// Returns the number of requests per second.
    pub(crate) fn per_second(&self) -> f64 {
        f64::from(u32::try_from(self.0.len()).unwrap_or(u32::MAX)) / DURATION.as_secs_f64()
    }
}

impl Load {
    /// Creates requests that run the action.
    pub(crate) fn action(server: &Server, has_key: bool) -> Self {
        let body = r#"{"action_name":"constant"}"#;
        let key = if has_key { "idempotency-key: of-the-bench\r\n" } else { "" };
        let request = format!(
            "POST /action/trigger HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {API_KEY}\r\nconnection-id: one\r\n\
             provider-config-key: bench\r\ncontent-type: application/json\r\n{key}content-length: {}\r\n\r\n{body}",
            server.address,
            body.len()
        );
        Self { address: server.address.clone(), request: request.into_bytes().into() }
    }

    /// Creates requests without a key and without the database.
    pub(crate) fn health(server: &Server) -> Self {
        let request = format!("GET /health HTTP/1.1\r\nhost: {}\r\n\r\n", server.address);
        Self { address: server.address.clone(), request: request.into_bytes().into() }
    }

    /// Sends the next request of each connection as soon as the answer to the last one was received.
    pub(crate) async fn without_pause(&self) -> Outcome<Latencies> {
        self.measure(None).await
    }

    /// Sends this many requests per second.
    pub(crate) async fn at_rate(&self, per_second: u32) -> Outcome<Latencies> {
        self.measure(Some(Duration::from_secs(1) * CONNECTIONS / per_second)).await
    }

    async fn measure(&self, pause: Option<Duration>) -> Outcome<Latencies> {
        let begin = Instant::now() + WARM_UP;
        let mut tasks = Vec::new();
        for number in 0..CONNECTIONS {
            let (address, request) = (self.address.clone(), Arc::clone(&self.request));
            tasks.push(tokio::spawn(async move {
                if let Some(pause) = pause {
                    sleep(pause * number / CONNECTIONS).await;
                }
                requests(&address, &request, begin, pause).await
            }));
        }
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await??);
        }
        all.sort_by(f64::total_cmp);
        Ok(Latencies(all))
    }
}

/// Sends requests over one connection until the end of the measurement, and returns the latencies after its begin.
async fn requests(address: &str, request: &[u8], begin: Instant, pause: Option<Duration>) -> Outcome<Vec<f64>> {
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let mut ticks = pause.map(|pause| {
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    });
    let (mut latencies, mut answer) = (Vec::new(), Vec::with_capacity(4096));
    while begin.elapsed() < DURATION {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let started = Instant::now();
        socket.write_all(request).await?;
        read_answer(&mut socket, &mut answer).await?;
        if started >= begin {
            latencies.push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(latencies)
}

/// Reads an answer with a length.
async fn read_answer(socket: &mut TcpStream, answer: &mut Vec<u8>) -> Outcome {
    answer.clear();
    loop {
        if socket.read_buf(answer).await? == 0 {
            return Err("the server closed the connection".into());
        }
        let text = String::from_utf8_lossy(answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        if !head.starts_with("HTTP/1.1 200") {
            return Err(text.into_owned().into());
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.ok_or("an answer without a length")?.parse()?;
        if body.len() >= length {
            return Ok(());
        }
    }
}
