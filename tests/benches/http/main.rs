//! Cost of the HTTP pipeline: CPU of a request through `http::Client`, compared with one through reqwest alone, on
//! loopback.
//!
//! ```text
//! cargo bench -p nango-tests --bench http                  # 100,000 requests, 5 interleaved rounds
//! cargo bench -p nango-tests --bench http -- 20000 3
//! ```
//!
//! Each side is a separate process that requests the same small JSON response, with the headers that an API sends, one
//! request after another over one connection; CPU is user and system time of that process. The server runs in this
//! process and is not counted. The pipeline joins URLs, authorises, acquires permits and reads the rate limits of each
//! response; the cost is the difference within a round, and the median is reported. It is measured twice: with a
//! redactor that has the secrets of a connection and its app, as in a run, and with an empty one. Linux only: CPU is
//! read from `/proc`.

#![expect(clippy::print_stdout, reason = "the measurements are this program's output")]

use std::{process::Command, sync::Arc};

use nango_core::internal::http::{
    AuthError, Authorize, BoxFuture, Client, ClientParts, ClientQuota, CredentialsVersion, EgressPolicy, HeaderValue,
    NetworkSettings, NetworkTransport, OutgoingRequest, Priority, RateLimiters, RequestSpec, SystemClock, Url,
};
use nango_core::internal::redact::Redactor;
use nango_tests::measure::{self, Outcome, median};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Argument for a process that sends through reqwest alone.
const BARE: &str = "--bare";
/// Argument for a process that sends through the pipeline of a run, whose redactor has secrets.
const PIPELINE: &str = "--pipeline";
/// Argument for a process that sends through a pipeline with an empty redactor.
const NO_SECRETS: &str = "--pipeline-without-secrets";

/// A typical response of an API.
const RESPONSE: &str = "HTTP/1.1 200 OK\r\n\
    date: Sun, 22 Nov 2026 12:00:00 GMT\r\n\
    content-type: application/json; charset=utf-8\r\n\
    cache-control: private, max-age=60, s-maxage=60\r\n\
    etag: \"5d41402abc4b2a76b9719d911017c592\"\r\n\
    x-request-id: 8f14e45f-ceea-467f-a8f9-9c1b7d3e2a10\r\n\
    x-ratelimit-limit: 1000000000\r\n\
    x-ratelimit-remaining: 999999999\r\n\
    x-ratelimit-reset: 4000000000\r\n\
    x-ratelimit-used: 1\r\n\
    x-ratelimit-resource: core\r\n\
    strict-transport-security: max-age=31536000\r\n\
    x-content-type-options: nosniff\r\n\
    content-length: 17\r\n\r\n\
    {\"hello\":\"world\"}";

fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [BARE, url, requests] => return runtime.block_on(bare(url, requests.parse()?)),
        [PIPELINE, url, requests] => return runtime.block_on(pipeline(url, requests.parse()?, secrets())),
        [NO_SECRETS, url, requests] => {
            return runtime.block_on(pipeline(url, requests.parse()?, Redactor::default()));
        }
        _ => {}
    }
    let mut numbers = args.iter().filter_map(|arg| arg.parse::<u32>().ok());
    let (requests, rounds) = (numbers.next().unwrap_or(100_000), numbers.next().unwrap_or(5));
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
    let url = format!("http://{}", listener.local_addr()?);
    runtime.spawn(serve(listener));
    println!("{requests} requests, {rounds} rounds; CPU per request");
    let (mut differences, mut redactor_costs) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let cost = |side: &str| -> Outcome<f64> {
            let mut command = Command::new(std::env::current_exe()?);
            let cost = measure::child_process(command.args([side, &url, &requests.to_string()]), |_| {})?;
            Ok(cost.cpu * 1e6 / f64::from(requests))
        };
        let mut sides = [BARE, PIPELINE, NO_SECRETS];
        sides.rotate_left(usize::try_from(round).unwrap_or(0) % 3);
        let mut costs = std::collections::HashMap::new();
        for side in sides {
            costs.insert(side, cost(side)?);
        }
        let (bare, with_pipeline, no_secrets) = (costs[BARE], costs[PIPELINE], costs[NO_SECRETS]);
        println!(
            "round {round}: reqwest {bare:.1} µs, pipeline {with_pipeline:.1} µs, difference {:.1} µs; without secrets \
             {no_secrets:.1} µs",
            with_pipeline - bare
        );
        differences.push(with_pipeline - bare);
        redactor_costs.push(with_pipeline - no_secrets);
    }
    println!("median cost of the redactor's secrets {:.1} µs", median(redactor_costs));
    println!("median difference {:.1} µs, goal 15 µs", median(differences));
    Ok(())
}

/// Responds to every request of every connection.
async fn serve(listener: TcpListener) {
    while let Ok((socket, _)) = listener.accept().await {
        tokio::spawn(respond(socket));
    }
}

async fn respond(mut socket: TcpStream) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut head = Vec::with_capacity(4096);
    while socket.read_buf(&mut head).await? > 0 {
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            socket.write_all(RESPONSE.as_bytes()).await?;
        }
    }
    Ok(())
}

async fn bare(url: &str, requests: u32) -> Outcome {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let endpoint = format!("{url}/repos/o/r/issues?per_page=100");
    for _ in 0..requests {
        let request = client.get(&endpoint).header("authorization", "Bearer key").header("accept", "application/json");
        let body = request.send().await?.bytes().await?;
        assert_eq!(body.len(), 17);
    }
    Ok(())
}

/// Returns a redactor with the secrets of an OAuth 2 connection and its app.
fn secrets() -> Redactor {
    let texts =
        ["an-access-token-of-forty-characters-0123", "a-refresh-token-of-forty-characters-0123", "a-client-secret"];
    Redactor::new(texts.map(|text| text.to_owned().into()))
}

async fn pipeline(url: &str, requests: u32, redactor: Redactor) -> Outcome {
    let base: Url = url.parse()?;
    let policy = EgressPolicy::new(vec!["127.0.0.1".parse()?], Vec::new(), false);
    let mut settings = NetworkSettings::default();
    settings.policy = Arc::new(policy);
    let parts = ClientParts::new(Arc::new(NetworkTransport::with_settings(settings)?), Arc::new(SystemClock), base)
        .authorize(Arc::new(BearerKey))
        .redactor(redactor)
        .headers([("accept".parse()?, "application/json".parse()?)].into_iter().collect())
        .quota(ClientQuota {
            rate_limiter: RateLimiters::new(Arc::new(SystemClock)).of("app", "one", false),
            connection: "one".to_owned(),
            priority: Priority::Background,
        });
    let client = Client::new(parts);
    let spec = RequestSpec::get("/repos/o/r/issues").query("per_page", "100").retries(3);
    for _ in 0..requests {
        let response = client.send(&spec).await?;
        assert_eq!(response.body.len(), 17);
    }
    Ok(())
}

/// Authorizes with a bearer token.
#[derive(Debug)]
struct BearerKey;

impl Authorize for BearerKey {
    fn authorize<'a>(
        &'a self,
        request: &'a mut OutgoingRequest,
    ) -> BoxFuture<'a, Result<CredentialsVersion, AuthError>> {
        let value = HeaderValue::from_static("Bearer key");
        request.headers.insert("authorization", value);
        Box::pin(std::future::ready(Ok(CredentialsVersion::default())))
    }
}
