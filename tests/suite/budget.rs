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
    Budgets, Call, Client, ClientParts, Clock, HttpError, Lane, Network, NetworkSettings, Policy, Quota, SystemClock,
    Transport,
};
use nango_tests::{
    dice,
    metered::{Counting, Metered, Rules, Style, since_1970},
    virtual_time::VirtualTime,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const CONNECTIONS: usize = 8;
const WINDOWS: u32 = 5;
/// Long enough that a guessed quota is looked beyond, and refused, more than once.
const LEARNING: u32 = 12;
const LIMIT: u64 = 200;
const LATENCY: Duration = Duration::from_millis(20);

/// Every kind of API that reports what is left.
const KINDS: [(Style, Counting); 5] = [
    (Style::GitHub, Counting::Fixed),
    (Style::HubSpot, Counting::Sliding),
    (Style::HubSpot, Counting::Fixed),
    (Style::Ietf, Counting::Fixed),
    (Style::Ietf, Counting::Sliding),
];

/// The tests over HTTP measure time, so that they take turns.
static MACHINE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// How the API is reached, and by which clock.
#[derive(Debug, Clone)]
enum World {
    /// Over HTTP, by the machine's clock.
    Http,
    /// In process.
    Virtual(VirtualTime),
}

impl World {
    fn clock(&self) -> Arc<dyn Clock> {
        match self {
            Self::Http => Arc::new(SystemClock),
            Self::Virtual(time) => Arc::new(time.clone()),
        }
    }

    async fn open(&self, rules: Rules) -> (Metered, Arc<dyn Transport>) {
        if let Self::Virtual(time) = self {
            return Metered::in_process(rules, Arc::new(time.clone()));
        }
        let policy = Policy::new(vec!["127.0.0.1".parse().expect("a rule")], Vec::new(), false);
        let mut settings = NetworkSettings::default();
        settings.policy = Arc::new(policy);
        (Metered::start(rules).await, Arc::new(Network::with(settings).expect("a network")))
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        match self {
            Self::Http => drop(tokio::spawn(task)),
            Self::Virtual(time) => time.spawn(task),
        }
    }
}

/// How the requests of a connection ended.
type End = Result<(), String>;

/// What a fleet of connections did.
struct Fleet {
    world: World,
    clock: Arc<dyn Clock>,
    api: Metered,
    budgets: Arc<Budgets>,
    network: Arc<dyn Transport>,
    stop: Arc<AtomicBool>,
    /// The answers that each connection had.
    answered: Vec<Arc<AtomicU64>>,
    /// How each of them ended.
    ends: (UnboundedSender<End>, UnboundedReceiver<End>),
}

impl Fleet {
    async fn start(world: &World, style: Style, counting: Counting, window: Duration) -> Self {
        let (api, network) = world.open(Rules { style, counting, limit: LIMIT, window, latency: LATENCY }).await;
        Self {
            world: world.clone(),
            clock: world.clock(),
            api,
            budgets: Arc::new(Budgets::new(world.clock())),
            network,
            stop: Arc::default(),
            answered: Vec::new(),
            ends: unbounded_channel(),
        }
    }

    fn client(&self, connection: &str, lane: Lane) -> Client {
        let base = self.api.url().parse().expect("a URL");
        let budget = self.budgets.of("app", connection, true);
        let quota = Quota { budget, connection: connection.to_owned(), lane };
        Client::new(ClientParts::new(self.network.clone(), self.clock.clone(), base).quota(quota))
    }

    /// Lets the connections work until the fleet ends. A refusal is retried by the next call, not by the client.
    fn work(&mut self) {
        for number in 0..CONNECTIONS {
            let client = self.client(&format!("connection-{number}"), Lane::Background);
            let (stop, answered, end) = (self.stop.clone(), Arc::new(AtomicU64::new(0)), self.ends.0.clone());
            self.answered.push(answered.clone());
            self.world.spawn(async move {
                let mut ended = Ok(());
                while ended.is_ok() && !stop.load(Ordering::Relaxed) {
                    match client.send(&Call::get("/work")).await {
                        Ok(_) => drop(answered.fetch_add(1, Ordering::Relaxed)),
                        Err(HttpError::Status(_)) => {}
                        Err(error) => ended = Err(error.to_string()),
                    }
                }
                end.send(ended).expect("a fleet that waits for its connections");
            });
        }
    }

    async fn end(mut self) -> Metered {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.ends.0);
        for _ in &self.answered {
            self.ends.1.recv().await.expect("a connection that does not panic").expect("a connection that works");
        }
        self.api
    }

    /// How long interactive calls took, `count` of them, one each `gap`.
    async fn interactive(&self, client: &Client, count: usize, gap: Duration) -> Vec<Duration> {
        let mut took = Vec::new();
        for _ in 0..count {
            let started = since_1970(&*self.clock);
            client.send(&Call::get("/work")).await.expect("an answer");
            took.push(since_1970(&*self.clock).saturating_sub(started));
            self.clock.sleep((started + gap).saturating_sub(since_1970(&*self.clock))).await;
        }
        took
    }

    /// The next beginning of a window, and the sleep until then.
    async fn next(&self, window: Duration) -> Duration {
        let now = since_1970(&*self.clock);
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

fn of_quota(granted: &[u64]) -> f64 {
    let (sum, quota) = (granted.iter().sum::<u64>(), LIMIT * granted.len() as u64);
    f64::from(u32::try_from(sum).expect("few")) / f64::from(u32::try_from(quota).expect("few"))
}

/// With remaining headers: nothing is refused, nearly all is used, interactive work does not notice.
/// Gives how long interactive calls took alone, and among others.
async fn keeps(world: &World, style: Style, counting: Counting) -> [Vec<Duration>; 2] {
    let window = Duration::from_secs(1);
    let mut fleet = Fleet::start(world, style, counting, window).await;
    let person = fleet.client("person", Lane::Interactive);
    let alone = fleet.interactive(&person, 30, Duration::from_millis(25)).await;
    fleet.next(window).await;
    fleet.work();
    fleet.clock.sleep(window + window / 2).await;
    let begin = fleet.next(window).await;
    // Eight calls a window: the reserve is ten.
    let among = fleet.interactive(&person, 8 * WINDOWS as usize, window / 8).await;
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
async fn learns(world: &World, counting: Counting) {
    let window = Duration::from_secs(2);
    let mut fleet = Fleet::start(world, Style::Slack, counting, window).await;
    fleet.next(window).await;
    fleet.work();
    fleet.clock.sleep(window + window / 2).await;
    let begin = fleet.next(window).await;
    fleet.clock.sleep(window * LEARNING).await;
    let api = fleet.end().await;
    let (granted, refused) = (api.granted(begin, LEARNING), api.refused(begin, LEARNING));
    let ever = api.refused_ever();
    let figures = format!("{counting:?}: granted {granted:?} of {LIMIT}, refused {refused:?}, with the first {ever}");
    println!("{figures}");
    assert!(refused.iter().all(|count| *count <= 1), "{figures}");
    assert!(of_quota(&granted) >= 0.8, "{figures}");
}

/// Compares how long interactive calls took in each of these runs, alone and among others.
fn interactive_work_does_not_notice(took: Vec<[Vec<Duration>; 2]>) {
    let (mut alone, mut among) = (Vec::new(), Vec::new());
    for [without, with] in took {
        alone.extend(without);
        among.extend(with);
    }
    let (alone, among) = (p99(alone), p99(among));
    println!("interactive calls, 99th percentile: {alone:.1?} alone, {among:.1?} among others");
    assert!(among <= alone * 2, "{alone:?} alone, {among:?} among others");
}

fn virtual_world() -> (VirtualTime, World) {
    let seed = dice::seed();
    println!("NANGO_TEST_SEED={seed}");
    let time = VirtualTime::new(seed);
    (time.clone(), World::Virtual(time))
}

#[test]
fn quota_in_headers_is_used_and_never_exceeded() {
    let (time, world) = virtual_world();
    let took = KINDS.map(|(style, counting)| time.run(keeps(&world, style, counting)));
    interactive_work_does_not_notice(took.to_vec());
}

#[test]
fn quota_without_headers_is_found_by_few_refusals() {
    let (time, world) = virtual_world();
    for counting in [Counting::Fixed, Counting::Sliding] {
        time.run(learns(&world, counting));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quota_in_headers_is_used_and_never_exceeded_over_http() {
    let _alone = MACHINE.lock().await;
    if !dice::is_long() {
        // The latency is compared in virtual time: forty calls are too few for a percentile on a busy machine.
        let (style, counting) = KINDS[0];
        keeps(&World::Http, style, counting).await;
        return;
    }
    let mut took = Vec::new();
    for (style, counting) in KINDS {
        took.push(keeps(&World::Http, style, counting).await);
    }
    interactive_work_does_not_notice(took);
}

/// It takes half a minute: the long version only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quota_without_headers_is_found_by_few_refusals_over_http() {
    if dice::is_long() {
        let _alone = MACHINE.lock().await;
        tokio::join!(learns(&World::Http, Counting::Fixed), learns(&World::Http, Counting::Sliding));
    }
}
