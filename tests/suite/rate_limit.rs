//! Rate limiting against a strict API that counts requests: eight connections share one quota and send requests
//! continuously.
//!
//! All window kinds and header styles are tested in process with virtual time. Over HTTP, where windows take real time,
//! one combination is always tested, and all of them with `NANGO_TEST_LONG=1`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use nango_core::internal::http::{
    Client, ClientParts, ClientQuota, Clock, EgressPolicy, HttpError, NetworkSettings, NetworkTransport, Priority,
    RateLimiters, RequestSpec, SystemClock, Transport,
};
use nango_tests::{
    metered::{HeaderStyle, MeteredApi, Rules, WindowKind, unix_time},
    rng,
    virtual_time::VirtualTime,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const CONNECTIONS: usize = 8;
const WINDOWS: u32 = 5;
/// Number of windows after which an estimated quota has been probed and refused more than once.
const LEARNING_WINDOWS: u32 = 12;
const LIMIT: u64 = 200;
const LATENCY: Duration = Duration::from_millis(20);

/// All API variants that report the remaining quota in headers.
const REPORTING_APIS: [(HeaderStyle, WindowKind); 5] = [
    (HeaderStyle::GitHub, WindowKind::Fixed),
    (HeaderStyle::HubSpot, WindowKind::Sliding),
    (HeaderStyle::HubSpot, WindowKind::Fixed),
    (HeaderStyle::Ietf, WindowKind::Fixed),
    (HeaderStyle::Ietf, WindowKind::Sliding),
];

/// Serialises the tests over HTTP, because they measure time.
static TIMING_LOCK: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Transport to the API and its clock.
#[derive(Debug, Clone)]
enum ApiAccess {
    /// Over HTTP, with the system clock.
    Http,
    /// In process, with virtual time.
    Virtual(VirtualTime),
}

impl ApiAccess {
    fn clock(&self) -> Arc<dyn Clock> {
        match self {
            Self::Http => Arc::new(SystemClock),
            Self::Virtual(time) => Arc::new(time.clone()),
        }
    }

    async fn open(&self, rules: Rules) -> (MeteredApi, Arc<dyn Transport>) {
        if let Self::Virtual(time) = self {
            return MeteredApi::in_process(rules, Arc::new(time.clone()));
        }
        let policy = EgressPolicy::new(vec!["127.0.0.1".parse().expect("a rule")], Vec::new(), false);
        let mut settings = NetworkSettings::default();
        settings.policy = Arc::new(policy);
        (MeteredApi::start(rules).await, Arc::new(NetworkTransport::with_settings(settings).expect("a network")))
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        match self {
            Self::Http => drop(tokio::spawn(task)),
            Self::Virtual(time) => time.spawn(task),
        }
    }
}

/// Result of all requests of one connection.
type WorkerResult = Result<(), String>;

/// Connections that send requests continuously, and the API that counts them.
struct LoadGenerator {
    access: ApiAccess,
    clock: Arc<dyn Clock>,
    api: MeteredApi,
    limiters: Arc<RateLimiters>,
    network: Arc<dyn Transport>,
    stop: Arc<AtomicBool>,
    /// Number of successful responses per connection.
    succeeded: Vec<Arc<AtomicU64>>,
    /// Channel for the result of each connection.
    results: (UnboundedSender<WorkerResult>, UnboundedReceiver<WorkerResult>),
}

impl LoadGenerator {
    async fn start(access: &ApiAccess, style: HeaderStyle, counting: WindowKind, window: Duration) -> Self {
        let (api, network) = access.open(Rules { style, counting, limit: LIMIT, window, latency: LATENCY }).await;
        Self {
            access: access.clone(),
            clock: access.clock(),
            api,
            limiters: Arc::new(RateLimiters::new(access.clock())),
            network,
            stop: Arc::default(),
            succeeded: Vec::new(),
            results: unbounded_channel(),
        }
    }

    fn client(&self, connection: &str, priority: Priority) -> Client {
        let base = self.api.url().parse().expect("a URL");
        let limiter = self.limiters.of("app", connection, true);
        let quota = ClientQuota { rate_limiter: limiter, connection: connection.to_owned(), priority };
        Client::new(ClientParts::new(self.network.clone(), self.clock.clone(), base).quota(quota))
    }

    /// Starts one task per connection, which sends requests until [`Self::finish`]. A refused request is followed by a
    /// new one; the client does not retry.
    fn start_workers(&mut self) {
        for number in 0..CONNECTIONS {
            let client = self.client(&format!("connection-{number}"), Priority::Background);
            let (stop, succeeded, results) = (self.stop.clone(), Arc::new(AtomicU64::new(0)), self.results.0.clone());
            self.succeeded.push(succeeded.clone());
            self.access.spawn(async move {
                let mut result = Ok(());
                while result.is_ok() && !stop.load(Ordering::Relaxed) {
                    match client.send(&RequestSpec::get("/work")).await {
                        Ok(_) => drop(succeeded.fetch_add(1, Ordering::Relaxed)),
                        Err(HttpError::Status(_)) => {}
                        Err(error) => result = Err(error.to_string()),
                    }
                }
                results.send(result).expect("a receiver that waits for all connections");
            });
        }
    }

    async fn finish(mut self) -> MeteredApi {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.results.0);
        for _ in &self.succeeded {
            self.results
                .1
                .recv()
                .await
                .expect("a connection that does not panic")
                .expect("a connection without errors");
        }
        self.api
    }

    /// Sends `count` interactive requests, one per `gap`, and returns their durations.
    async fn interactive(&self, client: &Client, count: usize, gap: Duration) -> Vec<Duration> {
        let mut durations = Vec::new();
        for _ in 0..count {
            let started = unix_time(&*self.clock);
            client.send(&RequestSpec::get("/work")).await.expect("a response");
            durations.push(unix_time(&*self.clock).saturating_sub(started));
            self.clock.sleep((started + gap).saturating_sub(unix_time(&*self.clock))).await;
        }
        durations
    }

    /// Sleeps until the next window begins, and returns its start time.
    async fn sleep_to_next_window(&self, window: Duration) -> Duration {
        let now = unix_time(&*self.clock);
        let start = Duration::from_secs((now.as_secs() / window.as_secs() + 1) * window.as_secs());
        self.clock.sleep(start.saturating_sub(now)).await;
        start
    }
}

/// Returns the 99th percentile.
fn p99(mut durations: Vec<Duration>) -> Duration {
    durations.sort();
    durations[(durations.len() * 99).div_ceil(100) - 1]
}

fn used_share_of_quota(granted: &[u64]) -> f64 {
    let (sum, quota) = (granted.iter().sum::<u64>(), LIMIT * granted.len() as u64);
    f64::from(u32::try_from(sum).expect("few")) / f64::from(u32::try_from(quota).expect("few"))
}

/// Tests an API with remaining headers: nothing is refused, nearly the whole quota is used, and interactive requests
/// are not slowed down. Returns the durations of interactive requests alone, and during background load.
async fn check_quota_from_headers(access: &ApiAccess, style: HeaderStyle, counting: WindowKind) -> [Vec<Duration>; 2] {
    let window = Duration::from_secs(1);
    let mut load = LoadGenerator::start(access, style, counting, window).await;
    let interactive = load.client("interactive", Priority::Interactive);
    let alone = load.interactive(&interactive, 30, Duration::from_millis(25)).await;
    load.sleep_to_next_window(window).await;
    load.start_workers();
    load.clock.sleep(window + window / 2).await;
    let start = load.sleep_to_next_window(window).await;
    // Eight requests per window: the reserve for interactive requests is ten.
    let under_load = load.interactive(&interactive, 8 * WINDOWS as usize, window / 8).await;
    let succeeded: Vec<u64> = load.succeeded.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    let api = load.finish().await;
    let granted = api.granted(start, WINDOWS);
    let figures = format!(
        "{style:?}, {counting:?}: granted {granted:?} of {LIMIT}, refused {}; interactive {:.1?} alone, {:.1?} under \
         load; by connection {succeeded:?}",
        api.refused_total(),
        p99(alone.clone()),
        p99(under_load.clone()),
    );
    println!("{figures}");
    assert_eq!(api.refused_total(), 0, "{figures}");
    assert!(used_share_of_quota(&granted) >= 0.9, "{figures}");
    let (least, most) = (succeeded.iter().min().copied(), succeeded.iter().max().copied());
    assert!(least.unwrap_or(0) * 10 >= most.unwrap_or(0) * 8, "{figures}");
    [alone, under_load]
}

/// Tests an API without remaining headers: after the quota is estimated, at most one request per window is refused, and
/// most of the quota is used. In real time, requests that a busy machine delays are counted in a later window than the
/// one in which they were sent, so there the share of refused requests is limited instead.
async fn check_quota_from_refusals(access: &ApiAccess, counting: WindowKind) {
    let window = Duration::from_secs(2);
    let mut load = LoadGenerator::start(access, HeaderStyle::Slack, counting, window).await;
    load.sleep_to_next_window(window).await;
    load.start_workers();
    load.clock.sleep(window + window / 2).await;
    let start = load.sleep_to_next_window(window).await;
    load.clock.sleep(window * LEARNING_WINDOWS).await;
    let api = load.finish().await;
    let (granted, refused) = (api.granted(start, LEARNING_WINDOWS), api.refused(start, LEARNING_WINDOWS));
    let refused_total = api.refused_total();
    let figures =
        format!("{counting:?}: granted {granted:?} of {LIMIT}, refused {refused:?}, in total {refused_total}");
    println!("{figures}");
    match access {
        ApiAccess::Virtual(_) => assert!(refused.iter().all(|count| *count <= 1), "{figures}"),
        ApiAccess::Http => assert!(refused.iter().sum::<u64>() * 50 <= granted.iter().sum::<u64>(), "{figures}"),
    }
    assert!(used_share_of_quota(&granted) >= 0.8, "{figures}");
}

/// Compares the durations of interactive requests alone and during background load, over all runs.
fn assert_interactive_latency_unaffected(durations: Vec<[Vec<Duration>; 2]>) {
    let (mut alone, mut under_load) = (Vec::new(), Vec::new());
    for [without, with] in durations {
        alone.extend(without);
        under_load.extend(with);
    }
    let (alone, under_load) = (p99(alone), p99(under_load));
    println!("interactive requests, 99th percentile: {alone:.1?} alone, {under_load:.1?} under load");
    assert!(under_load <= alone * 2, "{alone:?} alone, {under_load:?} under load");
}

fn virtual_access() -> (VirtualTime, ApiAccess) {
    let seed = rng::seed();
    println!("NANGO_TEST_SEED={seed}");
    let time = VirtualTime::new(seed);
    (time.clone(), ApiAccess::Virtual(time))
}

#[test]
fn quota_in_headers_is_used_and_never_exceeded() {
    let (time, access) = virtual_access();
    let durations =
        REPORTING_APIS.map(|(style, counting)| time.run(check_quota_from_headers(&access, style, counting)));
    assert_interactive_latency_unaffected(durations.to_vec());
}

#[test]
fn quota_without_headers_is_estimated_with_few_refusals() {
    let (time, access) = virtual_access();
    for counting in [WindowKind::Fixed, WindowKind::Sliding] {
        time.run(check_quota_from_refusals(&access, counting));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quota_in_headers_is_used_and_never_exceeded_over_http() {
    let _alone = TIMING_LOCK.lock().await;
    if !rng::is_long_run() {
        // The latency is compared in virtual time only: 40 requests are too few for a percentile on a busy machine.
        let (style, counting) = REPORTING_APIS[0];
        check_quota_from_headers(&ApiAccess::Http, style, counting).await;
        return;
    }
    let mut durations = Vec::new();
    for (style, counting) in REPORTING_APIS {
        durations.push(check_quota_from_headers(&ApiAccess::Http, style, counting).await);
    }
    assert_interactive_latency_unaffected(durations);
}

/// Takes half a minute, so it runs in the long version only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quota_without_headers_is_estimated_with_few_refusals_over_http() {
    if rng::is_long_run() {
        let _alone = TIMING_LOCK.lock().await;
        tokio::join!(
            check_quota_from_refusals(&ApiAccess::Http, WindowKind::Fixed),
            check_quota_from_refusals(&ApiAccess::Http, WindowKind::Sliding)
        );
    }
}
