//! The rate budget against a strict API that counts: eight connections that share one quota and do nothing but ask.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use nango_core::http::{
    Budgets, Call, Client, ClientParts, HttpError, Lane, Network, NetworkSettings, Policy, Quota, SystemClock,
    Transport,
};
use nango_tests::metered::{Counting, Metered, Rules, Style, now};

const CONNECTIONS: usize = 8;
const WINDOWS: u32 = 5;
/// Long enough that a guessed quota is looked beyond, and refused, more than once.
const LEARNING: u32 = 12;
const LIMIT: u64 = 200;
const LATENCY: Duration = Duration::from_millis(20);

/// The tests here measure time, so that they take turns.
static MACHINE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// What a fleet of connections did.
struct Fleet {
    api: Metered,
    budgets: Arc<Budgets>,
    network: Arc<dyn Transport>,
    stop: Arc<AtomicBool>,
    /// The answers that each connection had.
    answered: Vec<Arc<AtomicU64>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Fleet {
    async fn start(style: Style, counting: Counting, window: Duration) -> Self {
        let rules = Rules { style, counting, limit: LIMIT, window, latency: LATENCY };
        let mut policy = Policy::default();
        policy.allow_host("127.0.0.1");
        let mut settings = NetworkSettings::default();
        settings.policy = Arc::new(policy);
        Self {
            api: Metered::start(rules).await,
            budgets: Arc::new(Budgets::new(Arc::new(SystemClock))),
            network: Arc::new(Network::with(settings).expect("a network")),
            stop: Arc::default(),
            answered: Vec::new(),
            tasks: Vec::new(),
        }
    }

    fn client(&self, connection: &str, lane: Lane) -> Client {
        let base = self.api.url().parse().expect("a URL");
        let budget = self.budgets.of("app", connection, true);
        let quota = Quota { budget, connection: connection.to_owned(), lane };
        Client::new(ClientParts::new(self.network.clone(), Arc::new(SystemClock), base).quota(quota))
    }

    /// Lets the connections work until the fleet ends. A refusal is retried by the next call, not by the client.
    fn work(&mut self) {
        for number in 0..CONNECTIONS {
            let client = self.client(&format!("connection-{number}"), Lane::Background);
            let (stop, answered) = (self.stop.clone(), Arc::new(AtomicU64::new(0)));
            self.answered.push(answered.clone());
            self.tasks.push(tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    match client.send(&Call::get("/work")).await {
                        Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
                        Err(HttpError::Status(_)) => continue,
                        Err(error) => panic!("{error}"),
                    };
                }
            }));
        }
    }

    async fn end(self) -> Metered {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("a connection that works");
        }
        self.api
    }
}

/// How long interactive calls took, `count` of them, one each `gap`.
async fn interactive(client: &Client, count: usize, gap: Duration) -> Vec<Duration> {
    let mut took = Vec::new();
    for _ in 0..count {
        let started = Instant::now();
        client.send(&Call::get("/work")).await.expect("an answer");
        took.push(started.elapsed());
        tokio::time::sleep_until((started + gap).into()).await;
    }
    took
}

/// The 99th percentile.
fn p99(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[(took.len() * 99).div_ceil(100) - 1]
}

/// The next beginning of a window, and the sleep until then.
async fn next(window: Duration) -> Duration {
    let begin = Duration::from_secs((now().as_secs() / window.as_secs() + 1) * window.as_secs());
    tokio::time::sleep(begin.saturating_sub(now())).await;
    begin
}

fn of_quota(granted: &[u64]) -> f64 {
    let (sum, quota) = (granted.iter().sum::<u64>(), LIMIT * granted.len() as u64);
    f64::from(u32::try_from(sum).expect("few")) / f64::from(u32::try_from(quota).expect("few"))
}

/// With remaining headers: nothing is refused, nearly all is used, interactive work does not notice.
/// Gives how long interactive calls took alone, and among others.
async fn keeps(style: Style, counting: Counting) -> [Vec<Duration>; 2] {
    let window = Duration::from_secs(1);
    let mut fleet = Fleet::start(style, counting, window).await;
    let person = fleet.client("person", Lane::Interactive);
    let alone = interactive(&person, 30, Duration::from_millis(25)).await;
    next(window).await;
    fleet.work();
    tokio::time::sleep(window + window / 2).await;
    let begin = next(window).await;
    // Eight calls a window: the reserve is ten.
    let among = interactive(&person, 8 * WINDOWS as usize, window / 8).await;
    let answered: Vec<u64> = fleet.answered.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    let api = fleet.end().await;
    let granted = api.granted(begin, WINDOWS);
    let figures = format!(
        "{style:?}, {counting:?}: granted {granted:?} of {LIMIT}, refused {}; interactive {:.1?} alone, {:.1?} among \
         others; by connection {answered:?}",
        api.refused_ever(),
        p99(alone.clone()),
        p99(among.clone()),
    );
    println!("{figures}");
    assert_eq!(api.refused_ever(), 0, "{figures}");
    assert!(of_quota(&granted) >= 0.9, "{figures}");
    let (least, most) = (answered.iter().min().copied(), answered.iter().max().copied());
    assert!(least.unwrap_or(0) * 10 >= most.unwrap_or(0) * 8, "{figures}");
    [alone, among]
}

/// Without them: at most one refusal a window once the quota has shown itself, and most of it is used.
async fn learns(counting: Counting) {
    let window = Duration::from_secs(2);
    let mut fleet = Fleet::start(Style::Slack, counting, window).await;
    next(window).await;
    fleet.work();
    tokio::time::sleep(window + window / 2).await;
    let begin = next(window).await;
    tokio::time::sleep(window * LEARNING).await;
    let api = fleet.end().await;
    let (granted, refused) = (api.granted(begin, LEARNING), api.refused(begin, LEARNING));
    let ever = api.refused_ever();
    let figures = format!("{counting:?}: granted {granted:?} of {LIMIT}, refused {refused:?}, with the first {ever}");
    println!("{figures}");
    assert!(refused.iter().all(|count| *count <= 1), "{figures}");
    assert!(of_quota(&granted) >= 0.8, "{figures}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_is_told_is_never_hit() {
    let _alone = MACHINE.lock().await;
    let (mut alone, mut among) = (Vec::new(), Vec::new());
    for (style, counting) in [
        (Style::GitHub, Counting::Fixed),
        (Style::HubSpot, Counting::Sliding),
        (Style::HubSpot, Counting::Fixed),
        (Style::Ietf, Counting::Fixed),
        (Style::Ietf, Counting::Sliding),
    ] {
        let [without, with] = keeps(style, counting).await;
        alone.extend(without);
        among.extend(with);
    }
    let (alone, among) = (p99(alone), p99(among));
    println!("interactive calls, 99th percentile: {alone:.1?} alone, {among:.1?} among others");
    assert!(among <= alone * 2, "{alone:?} alone, {among:?} among others");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_is_not_told_is_found() {
    let _alone = MACHINE.lock().await;
    tokio::join!(learns(Counting::Fixed), learns(Counting::Sliding));
}
