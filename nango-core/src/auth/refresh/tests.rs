use std::{
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::{Map, Value, json};

use super::*;
use crate::{
    auth::AuthMode,
    http::{Authorize, BoxFuture, Incoming, Method, Outgoing, Stamp, SystemClock, TransportError},
    provider::Catalogue,
    store::{NewConnection, sqlite::Sqlite},
};

/// A token server: each request uses up an answer, or gets the next token of a series.
#[derive(Debug, Default)]
struct Server {
    asked: AtomicUsize,
    bodies: Mutex<Vec<String>>,
    answers: Mutex<VecDeque<(u16, Value)>>,
    slow: Duration,
}

impl Server {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Transport for Server {
    fn send(&self, mut request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.bodies.lock().unwrap().push(String::from_utf8(request.body.seen().1.to_vec()).unwrap());
        let next = self.answers.lock().unwrap().pop_front();
        let token = || {
            let body = json!({ "access_token": format!("t{number}"), "refresh_token": format!("r{number}"), "expires_in": 3600 });
            (200, body)
        };
        let (status, body) = next.unwrap_or_else(token);
        let slow = self.slow;
        Box::pin(async move {
            tokio::time::sleep(slow).await;
            let headers = [("content-type".parse().unwrap(), "application/json".parse().unwrap())];
            Ok(Incoming::whole(status, headers.into_iter().collect(), body.to_string()))
        })
    }
}

struct House {
    tokens: Arc<Tokens>,
    of: Arc<Holder>,
    server: Arc<Server>,
    store: SharedStore,
}

impl House {
    async fn new(credentials: Value, renew_at: Option<i64>, server: Server) -> Self {
        let mut provider = Catalogue::builtin().find("github").unwrap().clone();
        provider.auth = vec![AuthMode::OAuth2];
        provider.token.url = Some("https://h.test/token".parse().unwrap());
        let store: SharedStore = Arc::new(Sqlite::open(":memory:").await.unwrap());
        let ring = KeyRing::ephemeral().unwrap();
        let credentials = Credentials::parse(AuthMode::OAuth2, &credentials, None).unwrap();
        let new = NewConnection {
            integration: "shop".into(),
            id: "ann".into(),
            auth: "OAUTH2".into(),
            credentials: credentials.seal(&ring, "shop", "ann").unwrap(),
            renew_at,
            config: Map::new(),
            metadata: None,
        };
        store.put_connection(new).await.unwrap();
        let server = Arc::new(server);
        let tokens = Tokens::new(store.clone(), ring, server.clone(), Arc::new(SystemClock));
        let app = App { client_id: Some("app".into()), client_secret: Some("hush".into()), ..App::default() };
        let of = Holder {
            provider: Arc::new(provider),
            integration: "shop".into(),
            connection: "ann".into(),
            app: Arc::new(app),
        };
        Self { tokens, of: Arc::new(of), server, store }
    }

    async fn live(&self) -> Arc<Live> {
        let current = self.tokens.look(&self.of).await.unwrap();
        Arc::new(Live::new(self.tokens.clone(), self.of.clone(), current).unwrap())
    }
}

fn old() -> Value {
    json!({ "access_token": "t0", "refresh_token": "refresh-0" })
}

/// Credentials whose token has ended.
fn ended() -> Value {
    json!({ "access_token": "t0", "refresh_token": "refresh-0", "expires_at": 1 })
}

async fn sent(live: &Arc<Live>) -> Result<(String, Stamp), AuthError> {
    let mut request = Outgoing::new(Method::GET, "https://h.test/a".parse().unwrap());
    let stamp = Following(live.clone()).authorize(&mut request).await?;
    Ok((request.headers["authorization"].to_str().unwrap().to_owned(), stamp))
}

#[tokio::test]
async fn two_hundred_that_come_at_the_end_of_a_token_lead_to_one_request() {
    let house = House::new(ended(), Some(0), Server { slow: Duration::from_millis(30), ..Server::default() }).await;
    let live = house.live().await;
    let all = (0..200).map(|_| {
        let live = live.clone();
        tokio::spawn(async move { sent(&live).await.unwrap().0 })
    });
    for one in all.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap(), "Bearer t1");
    }
    assert_eq!(house.server.asked(), 1);
    let body = house.server.bodies.lock().unwrap().concat();
    assert_eq!(body, "grant_type=refresh_token&refresh_token=refresh-0&client_id=app&client_secret=hush");
    let stored = house.tokens.look(&house.of).await.unwrap();
    assert_eq!((stored.credentials.refresh_token(), stored.connection.version), (Some("r1"), 2));
    // A quarter of an hour before its end, which is in an hour.
    let ahead = stored.connection.renew_at.unwrap() - house.store.now();
    assert!((44 * 60..=45 * 60).contains(&(ahead / 1_000_000)), "{ahead}");
}

#[tokio::test]
async fn two_hundred_refusals_of_one_version_lead_to_one_request() {
    let house = House::new(old(), None, Server { slow: Duration::from_millis(30), ..Server::default() }).await;
    let live = house.live().await;
    let (_, used) = sent(&live).await.unwrap();
    let all = (0..200).map(|_| {
        let live = live.clone();
        tokio::spawn(async move { Following(live.clone()).refused(used).await.unwrap() })
    });
    for one in all.collect::<Vec<_>>() {
        assert!(one.await.unwrap());
    }
    assert_eq!((house.server.asked(), &*sent(&live).await.unwrap().0), (1, "Bearer t1"));
    // A new token that is refused too says something else than that it is old.
    let (_, used) = sent(&live).await.unwrap();
    assert!(!Following(live.clone()).refused(used).await.unwrap());
    assert_eq!(house.server.asked(), 1);
}

#[tokio::test]
async fn what_was_asked_for_after_a_renewal_began_is_another_one() {
    let house = House::new(old(), None, Server { slow: Duration::from_millis(100), ..Server::default() }).await;
    let forced = || {
        let (tokens, of) = (house.tokens.clone(), house.of.clone());
        tokio::spawn(async move { tokens.forced(&of).await.unwrap().credentials.token().unwrap().to_owned() })
    };
    let first = forced();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let late = [forced(), forced()];
    assert_eq!(first.await.unwrap(), "t1");
    for one in late {
        assert_eq!(one.await.unwrap(), "t2");
    }
    assert_eq!(house.server.asked(), 2);
}

#[tokio::test]
async fn a_refusal_asks_for_new_credentials_and_is_not_repeated() {
    let no = (400, json!({ "error": "invalid_grant", "error_description": "the token refresh-0 was revoked" }));
    let house = House::new(old(), Some(0), Server { answers: Mutex::new([no].into()), ..Server::default() }).await;
    // The old token has no end that is known, so it is used as long as it works.
    let live = house.live().await;
    assert_eq!(sent(&live).await.unwrap().0, "Bearer t0");
    until(|| house.server.asked() == 1).await;
    let error = Following(live.clone()).refused(Stamp(1)).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, AuthError::Refused(_)) && text.contains("must be connected again"), "{text}");
    assert!(
        text.contains("POST https://h.test/token answered 400 (invalid_grant: the token *** was revoked)"),
        "{text}"
    );
    assert_eq!(house.server.asked(), 1);
    let stored = house.store.connection("shop", "ann").await.unwrap().unwrap();
    assert!(stored.failure.is_some_and(|failure| failure.refused && failure.times == 1));
    // Somebody who asks for it tries again.
    assert_eq!(house.tokens.forced(&house.of).await.unwrap().credentials.token(), Some("t2"));
    assert_eq!(house.store.connection("shop", "ann").await.unwrap().unwrap().failure, None);
}

#[tokio::test]
async fn a_failure_is_left_alone_for_a_while() {
    let down = (503, json!({ "message": "try later" }));
    let server = Server { answers: Mutex::new([down].into()), ..Server::default() };
    let house = House::new(ended(), Some(1_000_000), server).await;
    let live = house.live().await;
    for _ in 0..3 {
        let error = sent(&live).await.unwrap_err();
        assert!(matches!(&error, AuthError::Later { wait, .. } if *wait <= FIRST_PAUSE && !wait.is_zero()), "{error}");
        assert!(error.to_string().contains("answered 503 (try later); the next attempt is in "), "{error}");
    }
    assert_eq!(house.server.asked(), 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_lose_the_token() {
    let house = House::new(ended(), Some(0), Server { slow: Duration::from_millis(50), ..Server::default() }).await;
    let live = house.live().await;
    let gone = tokio::time::timeout(Duration::from_millis(10), sent(&live)).await;
    assert!(gone.is_err());
    house.tokens.settle(Duration::from_secs(5)).await;
    assert_eq!(house.tokens.look(&house.of).await.unwrap().credentials.refresh_token(), Some("r1"));
    assert_eq!((sent(&live).await.unwrap().0.as_str(), house.server.asked()), ("Bearer t1", 1));
}

#[tokio::test]
async fn a_token_that_still_works_is_renewed_beside_the_requests() {
    let house = House::new(old(), Some(0), Server { slow: Duration::from_millis(200), ..Server::default() }).await;
    let live = house.live().await;
    for _ in 0..20 {
        assert_eq!(sent(&live).await.unwrap().0, "Bearer t0");
    }
    until(|| house.server.asked() == 1).await;
    house.tokens.settle(Duration::from_secs(5)).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((sent(&live).await.unwrap().0.as_str(), house.server.asked()), ("Bearer t1", 1));
}

#[tokio::test]
async fn who_waits_for_an_attempt_that_fails_shares_its_error() {
    let down = || (503, json!({}));
    let server =
        Server { answers: Mutex::new([down(), down()].into()), slow: Duration::from_millis(50), ..Server::default() };
    let house = House::new(old(), None, server).await;
    let forced = || {
        let (tokens, of) = (house.tokens.clone(), house.of.clone());
        tokio::spawn(async move { tokens.forced(&of).await.unwrap_err().to_string() })
    };
    let all = [forced(), forced(), forced()];
    for one in all {
        assert!(one.await.unwrap().contains("answered 503"));
    }
    assert_eq!(house.server.asked(), 1);
}

#[tokio::test]
async fn new_credentials_do_not_go_to_the_old_host() {
    let house = House::new(json!({ "access_token": "t0" }), None, Server::default()).await;
    let mut of = (*house.of).clone();
    let mut provider = (*of.provider).clone();
    provider.proxy.base_url = Some("https://${connectionConfig.name}.h.test".parse().unwrap());
    of.provider = Arc::new(provider);
    let put = async |name: &str, token: &str| {
        let credentials = Credentials::bearer(token);
        let Value::Object(config) = json!({ "name": name }) else { unreachable!() };
        let new = NewConnection {
            integration: "shop".into(),
            id: "ann".into(),
            auth: "BEARER".into(),
            credentials: credentials.seal(&house.tokens.ring, "shop", "ann").unwrap(),
            renew_at: None,
            config,
            metadata: None,
        };
        house.store.put_connection(new).await.unwrap();
    };
    put("one", "t1").await;
    let of = Arc::new(Holder { provider: accepting(&of.provider, AuthMode::Bearer), ..of });
    let current = house.tokens.look(&of).await.unwrap();
    let live = Arc::new(Live::new(house.tokens.clone(), of, current).unwrap());
    let (_, used) = sent(&live).await.unwrap();
    put("two", "t2").await;
    let error = Following(live.clone()).refused(used).await.unwrap_err();
    assert!(error.to_string().contains("leads to another host"), "{error}");
    assert_eq!(sent(&live).await.unwrap().0, "Bearer t1");
}

fn accepting(provider: &Provider, mode: AuthMode) -> Arc<Provider> {
    let mut provider = provider.clone();
    provider.auth = vec![mode];
    Arc::new(provider)
}

async fn until(is: impl Fn() -> bool) {
    for _ in 0..200 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen within two seconds");
}

#[tokio::test]
async fn changes_of_others_are_followed() {
    let house = House::new(json!({ "access_token": "t0" }), None, Server::default()).await;
    let live = house.live().await;
    let (_, used) = sent(&live).await.unwrap();
    // Nobody gave others, and there is nothing to renew them with.
    assert!(!Following(live.clone()).refused(used).await.unwrap());
    let other = Credentials::parse(AuthMode::OAuth2, &json!({ "access_token": "other" }), None).unwrap();
    let stored = house.store.connection("shop", "ann").await.unwrap().unwrap();
    let new = NewConnection {
        integration: stored.integration,
        id: stored.id,
        auth: stored.auth,
        credentials: other.seal(&house.tokens.ring, "shop", "ann").unwrap(),
        renew_at: None,
        config: Map::new(),
        metadata: None,
    };
    house.store.put_connection(new).await.unwrap();
    assert!(Following(live.clone()).refused(used).await.unwrap());
    assert_eq!((sent(&live).await.unwrap().0.as_str(), house.server.asked()), ("Bearer other", 0));
}

#[test]
fn margins_and_pauses() {
    let minutes = |minutes: i64| minutes * 60_000_000;
    let margin = Duration::from_mins(15);
    assert_eq!(renew_at(None, 0, margin), None);
    assert_eq!(renew_at(Some(minutes(120)), 0, margin), Some(minutes(105)));
    // A token that lives shorter than the margin would be renewed for every request.
    assert_eq!(renew_at(Some(minutes(8)), 0, margin), Some(minutes(6)));
    assert_eq!(renew_at(Some(minutes(1)), minutes(5), margin), None);
    let pauses: Vec<u64> = [1, 2, 3, 7, 8, 99].map(|times| pause(times).as_secs()).into();
    assert_eq!(pauses, [30, 60, 120, 1920, 3600, 3600]);
}

impl House {
    /// Another process on the same database.
    fn process(&self) -> Arc<Tokens> {
        Tokens::new(self.store.clone(), self.tokens.ring.clone(), self.server.clone(), Arc::new(SystemClock))
    }

    fn forced(&self, tokens: Arc<Tokens>) -> tokio::task::JoinHandle<Result<Current, RefreshError>> {
        let of = self.of.clone();
        tokio::spawn(async move { tokens.forced(&of).await })
    }
}

#[tokio::test]
async fn processes_that_ask_for_a_token_at_the_same_time_share_one_request() {
    let setup = House::new(old(), None, Server { slow: Duration::from_millis(300), ..Server::default() }).await;
    let first = setup.forced(setup.process());
    until(|| setup.server.asked() == 1).await;
    let others = [setup.forced(setup.process()), setup.forced(setup.process())];
    for one in [first].into_iter().chain(others) {
        assert_eq!(one.await.unwrap().unwrap().credentials.token(), Some("t1"));
    }
    assert_eq!(setup.server.asked(), 1);
    // One that asks later gets another.
    assert_eq!(setup.forced(setup.process()).await.unwrap().unwrap().credentials.token(), Some("t2"));
}

#[tokio::test]
async fn processes_that_ask_for_a_token_at_the_same_time_share_its_failure() {
    for (answer, expect) in
        [((503, json!({})), "answered 503"), ((400, json!({ "error": "invalid_grant" })), "connected again")]
    {
        let server =
            Server { answers: Mutex::new([answer].into()), slow: Duration::from_millis(300), ..Server::default() };
        let setup = House::new(old(), None, server).await;
        let first = setup.forced(setup.process());
        until(|| setup.server.asked() == 1).await;
        for one in [first, setup.forced(setup.process())] {
            let error = one.await.unwrap().unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        }
        assert_eq!(setup.server.asked(), 1);
        setup.forced(setup.process()).await.unwrap().unwrap();
    }
}

/// A clock that stands still.
#[derive(Debug)]
struct Still(i64);

impl Clock for Still {
    fn now(&self) -> i64 {
        self.0
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemClock.sleep(duration)
    }

    fn jitter(&self) -> f64 {
        0.0
    }
}

#[tokio::test]
async fn times_of_tokens_are_of_the_systems_clock() {
    let hour = 3_600_000_000;
    let setup = House::new(ended(), Some(0), Server::default()).await;
    // The database's clock is decades ahead of it.
    let clock = Arc::new(Still(5 * hour));
    let tokens = Tokens::new(setup.store.clone(), setup.tokens.ring.clone(), setup.server.clone(), clock);
    let current = setup.forced(tokens.clone()).await.unwrap().unwrap();
    assert_eq!(current.connection.renew_at, Some(6 * hour - hour / 4));
    assert!(!tokens.is_due(&current) && tokens.still_good(&current));
}

#[tokio::test]
async fn failure_from_the_future_does_not_delay_the_next_attempt() {
    let down = (503, json!({}));
    let server = Server { answers: Mutex::new([down].into()), ..Server::default() };
    let setup = House::new(ended(), Some(0), server).await;
    sent(&setup.live().await).await.unwrap_err();
    let mut current = setup.tokens.look(&setup.of).await.unwrap();
    let why = Why::Ends(current.connection.version);
    let may = |current: &Current| setup.tokens.may_try(&setup.of, current, &Last::default(), why, Instant::now());
    may(&current).unwrap_err();
    current.connection.failure.as_mut().unwrap().at += 86_400_000_000;
    may(&current).unwrap();
}

#[derive(Debug, Default)]
struct Reports(Mutex<Vec<String>>);

impl Watch for Reports {
    fn waiting(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
}

#[tokio::test]
async fn wait_for_another_process_is_reported_with_its_end() {
    let setup = House::new(ended(), Some(0), Server { slow: Duration::from_millis(1_500), ..Server::default() }).await;
    let first = setup.forced(setup.process());
    until(|| setup.server.asked() == 1).await;
    let reports = Arc::new(Reports::default());
    let current = setup.tokens.look(&setup.of).await.unwrap();
    let live = Arc::new(Live::new(setup.process(), setup.of.clone(), current).unwrap());
    live.watch(reports.clone());
    assert_eq!(sent(&live).await.unwrap().0, "Bearer t1");
    first.await.unwrap().unwrap();
    let expect = "waiting at most 90 s for another process that renews the token of connection `ann` of `shop`";
    assert_eq!(*reports.0.lock().unwrap(), [expect]);
    assert_eq!(setup.server.asked(), 1);
}
