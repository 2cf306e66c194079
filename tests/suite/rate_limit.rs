//! The rate budget against a strict API that counts: eight connections that share one quota and do nothing but ask.
//!
//! Every kind of API is tried in process and in virtual time. Over HTTP, where a window takes as long as it takes, one kind
//! is tried always, and all of them with `NANGO_TEST_LONG=1`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use nango_core::http::{
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
/// Long enough that a guessed quota is looked beyond, and refused, more than once.
const LEARNING_WINDOWS: u32 = 12;
const LIMIT: u64 = 200;
const LATENCY: Duration = Duration::from_millis(20);

/// Every kind of API that reports what is left.
const REPORTING_APIS: [(HeaderStyle, WindowKind); 5] = [
    (HeaderStyle::GitHub, WindowKind::Fixed),
    (HeaderStyle::HubSpot, WindowKind::Sliding),
    (HeaderStyle::HubSpot, WindowKind::Fixed),
    (HeaderStyle::Ietf, WindowKind::Fixed),
    (HeaderStyle::Ietf, WindowKind::Sliding),
];

/// The tests over HTTP measure time, so that they take turns.
static TIMING_LOCK: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// How the API is reached, and by which clock.
#[derive(Debug, Clone)]
enum ApiAccess {
    /// Over HTTP, by the machine's clock.
    Http,
    /// In process.
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

/// How the requests of a connection ended.
type WorkerResult = Result<(), String>;

/// What a fleet of connections did.
struct LoadGenerator {
    access: ApiAccess,
    clock: Arc<dyn Clock>,
    api: MeteredApi,
    limiters: Arc<RateLimiters>,
    network: Arc<dyn Transport>,
    stop: Arc<AtomicBool>,
    /// The answers that each connection had.
    answered: Vec<Arc<AtomicU64>>,
    /// How each of them ended.
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
            answered: Vec::new(),
            results: unbounded_channel(),
        }
    }

    fn client(&self, connection: &str, priority: Priority) -> Client {
        let base = self.api.url().parse().expect("a URL");
        let limiter = self.limiters.of("app", connection, true);
        let quota = ClientQuota { rate_limiter: limiter, connection: connection.to_owned(), priority };
        Client::new(ClientParts::new(self.network.clone(), self.clock.clone(), base).quota(quota))
    }

    /// Lets the connections work until the fleet ends. A refusal is retried by the next call, not by the client.
    fn start_workers(&mut self) {
        for number in 0..CONNECTIONS {
            let client = self.client(&format!("connection-{number}"), Priority::Background);
            let (stop, answered, end) = (self.stop.clone(), Arc::new(AtomicU64::new(0)), self.results.0.clone());
            self.answered.push(answered.clone());
            self.access.spawn(async move {
                let mut ended = Ok(());
                while ended.is_ok() && !stop.load(Ordering::Relaxed) {
                    match client.send(&RequestSpec::get("/work")).await {
                        Ok(_) => drop(answered.fetch_add(1, Ordering::Relaxed)),
                        Err(HttpError::Status(_)) => {}
                        Err(error) => ended = Err(error.to_string()),
                    }
                }
                end.send(ended).expect("a fleet that waits for its connections");
            });
        }
    }

    async fn finish(mut self) -> MeteredApi {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.results.0);
        for _ in &self.answered {
            self.results.1.recv().await.expect("a connection that does not panic").expect("a connection that works");
        }
        self.api
    }

    /// How long interactive calls took, `count` of them, one each `gap`.
    async fn interactive(&self, client: &Client, count: usize, gap: Duration) -> Vec<Duration> {
        let mut took = Vec::new();
        for _ in 0..count {
            let started = unix_time(&*self.clock);
            client.send(&RequestSpec::get("/work")).await.expect("an answer");
            took.push(unix_time(&*self.clock).saturating_sub(started));
            self.clock.sleep((started + gap).saturating_sub(unix_time(&*self.clock))).await;
        }
        took
    }

    /// The next beginning of a window, and the sleep until then.
    async fn sleep_to_next_window(&self, window: Duration) -> Duration {
        let now = unix_time(&*self.clock);
        let begin = Duration::from_secs((now.as_secs() / window.as_secs() + 1) * window.as_secs());
        self.clock.sleep(begin.saturating_sub(now)).await;
        begin
    }
}

/// The 99th percentile.
fn p99(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[(took.len() * 99).div_ceil(100) - 1]
}

fn used_share_of_quota(granted: &[u64]) -> f64 {
    let (sum, quota) = (granted.iter().sum::<u64>(), LIMIT * granted.len() as u64);
    f64::from(u32::try_from(sum).expect("few")) / f64::from(u32::try_from(quota).expect("few"))
}

/// With remaining headers: nothing is refused, nearly all is used, interactive work does not notice.
/// Gives how long interactive calls took alone, and among others.
async fn check_quota_from_headers(access: &ApiAccess, style: HeaderStyle, counting: WindowKind) -> [Vec<Duration>; 2] {
    let window = Duration::from_secs(1);
    let mut load = LoadGenerator::start(access, style, counting, window).await;
    let interactive = load.client("person", Priority::Interactive);
    let alone = load.interactive(&interactive, 30, Duration::from_millis(25)).await;
    load.sleep_to_next_window(window).await;
    load.start_workers();
    load.clock.sleep(window + window / 2).await;
    let begin = load.sleep_to_next_window(window).await;
    // Eight calls a window: the reserve is ten.
    let among = load.interactive(&interactive, 8 * WINDOWS as usize, window / 8).await;
    let answered: Vec<u64> = load.answered.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    let api = load.finish().await;
    let granted = api.granted(begin, WINDOWS);
    let figures = format!(
        "{style:?}, {counting:?}: granted {granted:?} of {LIMIT}, refused {}; interactive {:.1?} alone, {:.1?} among \
         others; by connection {answered:?}",
        api.refused_total(),
        p99(alone.clone()),
        p99(among.clone()),
    );
    println!("{figures}");
    assert_eq!(api.refused_total(), 0, "{figures}");
    assert!(used_share_of_quota(&granted) >= 0.9, "{figures}");
    let (least, most) = (answered.iter().min().copied(), answered.iter().max().copied());
    assert!(least.unwrap_or(0) * 10 >= most.unwrap_or(0) * 8, "{figures}");
    [alone, among]
}

/// Without them: at most one refusal a window once the quota has shown itself, and most of it is used.
async fn check_quota_from_refusals(access: &ApiAccess, counting: WindowKind) {
    let window = Duration::from_secs(2);
    let mut load = LoadGenerator::start(access, HeaderStyle::Slack, counting, window).await;
    load.sleep_to_next_window(window).await;
    load.start_workers();
    load.clock.sleep(window + window / 2).await;
    let begin = load.sleep_to_next_window(window).await;
    load.clock.sleep(window * LEARNING_WINDOWS).await;
    let api = load.finish().await;
    let (granted, refused) = (api.granted(begin, LEARNING_WINDOWS), api.refused(begin, LEARNING_WINDOWS));
    let ever = api.refused_total();
    let figures = format!("{counting:?}: granted {granted:?} of {LIMIT}, refused {refused:?}, with the first {ever}");
    println!("{figures}");
    assert!(refused.iter().all(|count| *count <= 1), "{figures}");
    assert!(used_share_of_quota(&granted) >= 0.8, "{figures}");
}

/// Compares how long interactive calls took in each of these runs, alone and among others.
fn assert_interactive_latency_unaffected(took: Vec<[Vec<Duration>; 2]>) {
    let (mut alone, mut among) = (Vec::new(), Vec::new());
    for [without, with] in took {
        alone.extend(without);
        among.extend(with);
    }
    let (alone, among) = (p99(alone), p99(among));
    println!("interactive calls, 99th percentile: {alone:.1?} alone, {among:.1?} among others");
    assert!(among <= alone * 2, "{alone:?} alone, {among:?} among others");
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
    let took = REPORTING_APIS.map(|(style, counting)| time.run(check_quota_from_headers(&access, style, counting)));
    assert_interactive_latency_unaffected(took.to_vec());
}

#[test]
fn quota_without_headers_is_found_by_few_refusals() {
    let (time, access) = virtual_access();
    for counting in [WindowKind::Fixed, WindowKind::Sliding] {
        time.run(check_quota_from_refusals(&access, counting));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quota_in_headers_is_used_and_never_exceeded_over_http() {
    let _alone = TIMING_LOCK.lock().await;
    if !rng::is_long_run() {
        // The latency is compared in virtual time: forty calls are too few for a percentile on a busy machine.
        let (style, counting) = REPORTING_APIS[0];
        check_quota_from_headers(&ApiAccess::Http, style, counting).await;
        return;
    }
    let mut took = Vec::new();
    for (style, counting) in REPORTING_APIS {
        took.push(check_quota_from_headers(&ApiAccess::Http, style, counting).await);
    }
    assert_interactive_latency_unaffected(took);
}

/// It takes half a minute: the long version only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quota_without_headers_is_found_by_few_refusals_over_http() {
    if rng::is_long_run() {
        let _alone = TIMING_LOCK.lock().await;
        tokio::join!(
            check_quota_from_refusals(&ApiAccess::Http, WindowKind::Fixed),
            check_quota_from_refusals(&ApiAccess::Http, WindowKind::Sliding)
        );
    }
}
