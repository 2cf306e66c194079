//! Tests of the cache with a database in memory and a clock that is set.

use futures_util::future::BoxFuture;

use super::*;
use crate::{
    auth::{API_KEY_PREFIX, Scope, random_text},
    store::{NewApiKey, sqlite::Sqlite},
    time::Entropy,
};

/// Clock whose monotonic time is set by a test.
#[derive(Debug)]
struct SetClock(Mutex<Instant>);

impl Entropy for SetClock {
    fn random(&self) -> u128 {
        0
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn instant(&self) -> Instant {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl SetClock {
    fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

struct Fixture {
    keys: KeyCache,
    store: Arc<Sqlite>,
    clock: Arc<SetClock>,
}

impl Fixture {
    async fn new(chosen: Option<&str>) -> Self {
        let store = Arc::new(Sqlite::open(":memory:").await.unwrap());
        let clock = Arc::new(SetClock(Mutex::new(Instant::now())));
        let keys = KeyCache::new(store.clone(), clock.clone(), chosen.map(Secret::from).as_ref());
        Self { keys, store, clock }
    }

    async fn add(&self, text: &Secret, expires_in: Option<Duration>) -> Uuid {
        let id = Uuid::new_v4();
        let new = NewApiKey {
            id,
            name: id.to_string(),
            hash: hash_key(text.expose()),
            scopes: vec!["environment:records:read".into()],
            integrations: Some(vec!["github".into()]),
            expires_in,
        };
        let store: &dyn crate::store::Store = &*self.store;
        store.add_api_key(new).await.unwrap().unwrap().id
    }

    async fn answer(&self, header: &str) -> Result<Uuid, String> {
        let caller = self.keys.authenticate([header.as_bytes()]).await;
        caller.map(|caller| caller.key).map_err(|error| error.to_string())
    }

    async fn revoke(&self, id: Uuid) {
        let store: &dyn crate::store::Store = &*self.store;
        store.revoke_api_key(id).await.unwrap().unwrap();
    }
}

fn created() -> Secret {
    random_text(API_KEY_PREFIX).unwrap()
}

fn bearer(key: &Secret) -> String {
    format!("Bearer {}", key.expose())
}

#[tokio::test]
async fn caller_has_the_permissions_of_its_key() {
    let fixture = Fixture::new(None).await;
    let key = created();
    let id = fixture.add(&key, None).await;
    for header in [bearer(&key), format!("bearer   {} ", key.expose()), key.expose().to_owned()] {
        let caller = fixture.keys.authenticate([header.as_bytes()]).await.unwrap();
        assert_eq!((caller.key, caller.may(Scope::RecordsRead), caller.may(Scope::Proxy)), (id, true, false));
        assert!(caller.may_use("github") && !caller.may_use("jira"));
    }
}

#[tokio::test]
async fn unknown_revoked_and_expired_keys_get_one_answer() {
    let fixture = Fixture::new(Some(&"x".repeat(32))).await;
    let [unknown, revoked, expired] = [created(), created(), created()];
    let id = fixture.add(&revoked, None).await;
    fixture.revoke(id).await;
    fixture.add(&expired, Some(Duration::ZERO)).await;
    let expect = Err("the API key is not accepted: it is unknown, revoked or expired".to_owned());
    for header in [
        bearer(&unknown),
        bearer(&revoked),
        bearer(&expired),
        bearer(&Secret::new("y".repeat(32))),
        format!("Basic {}", "y".repeat(MAX_KEY_BYTES)).replace(' ', ""),
        "8f14e45f-ceea-467f-9d1c-6b1d2a3c4e5f".to_owned(),
    ] {
        assert_eq!(fixture.answer(&header).await, expect, "{header}");
    }
    // Nothing of them is kept: each attempt is looked up again.
    assert!(fixture.keys.lock().is_empty());
    let id = fixture.add(&unknown, None).await;
    assert_eq!(fixture.answer(&bearer(&unknown)).await, Ok(id));
}

#[tokio::test]
async fn missing_and_malformed_headers_are_distinguished() {
    let fixture = Fixture::new(None).await;
    let missing = fixture.keys.authenticate(std::iter::empty()).await;
    assert!(matches!(missing, Err(AuthenticationError::Missing)), "{missing:?}");
    let key = created();
    fixture.add(&key, None).await;
    let header = bearer(&key);
    let twice = fixture.keys.authenticate([header.as_bytes(), header.as_bytes()]).await;
    assert!(matches!(twice, Err(AuthenticationError::Malformed)), "{twice:?}");
    for header in ["", " ", "Bearer", "Bearer ", "bearer  ", "Bearer a b", "Bearer ü", "Bearer a\tb"] {
        let answer = fixture.keys.authenticate([header.as_bytes()]).await;
        assert!(matches!(answer, Err(AuthenticationError::Malformed)), "{header:?}: {answer:?}");
    }
    let bytes = fixture.keys.authenticate([&b"Bearer \xff"[..]]).await;
    assert!(matches!(bytes, Err(AuthenticationError::Malformed)), "{bytes:?}");
}

#[tokio::test]
async fn revocation_takes_effect_within_one_second() {
    let fixture = Fixture::new(None).await;
    let key = created();
    let id = fixture.add(&key, None).await;
    assert_eq!(fixture.answer(&bearer(&key)).await, Ok(id));
    fixture.revoke(id).await;
    // The cache is used for less than a second, also if requests arrive all the time.
    for _ in 0..3 {
        assert_eq!(fixture.answer(&bearer(&key)).await, Ok(id));
        fixture.clock.advance(Duration::from_millis(333));
    }
    fixture.clock.advance(Duration::from_millis(1));
    assert!(fixture.answer(&bearer(&key)).await.is_err());
    assert!(fixture.keys.lock().is_empty());
}

#[tokio::test]
async fn cached_key_is_refused_when_it_expires() {
    let fixture = Fixture::new(None).await;
    let key = created();
    let id = fixture.add(&key, Some(Duration::from_mins(1))).await;
    assert_eq!(fixture.answer(&bearer(&key)).await, Ok(id));
    fixture.store.advance_clock(Duration::from_mins(1));
    assert!(fixture.answer(&bearer(&key)).await.is_err());
}

#[tokio::test]
async fn chosen_key_has_all_scopes_unless_the_database_knows_it() {
    let text = "8f14e45f-ceea-467f-9d1c-6b1d2a3c4e5f";
    let fixture = Fixture::new(Some(text)).await;
    let caller = fixture.keys.authenticate([format!("Bearer {text}").as_bytes()]).await.unwrap();
    assert_eq!((caller.key, caller.may(Scope::Proxy), caller.integrations), (Uuid::nil(), true, None));
    assert!(fixture.answer(&format!("Bearer {}", text.to_uppercase())).await.is_err());

    let key = created();
    let fixture = Fixture::new(Some(key.expose())).await;
    assert_eq!(fixture.answer(&bearer(&key)).await, Ok(Uuid::nil()));
    let id = fixture.add(&key, None).await;
    assert_eq!(fixture.answer(&bearer(&key)).await, Ok(id));
    fixture.revoke(id).await;
    fixture.clock.advance(CACHE_TIME);
    assert!(fixture.answer(&bearer(&key)).await.is_err());
}

#[tokio::test]
async fn use_of_a_key_is_written_once_a_minute_in_the_background() {
    let fixture = Fixture::new(None).await;
    let key = created();
    fixture.add(&key, None).await;
    let written = || fixture.keys.lock().values().next().unwrap().written_at.unwrap();
    fixture.answer(&bearer(&key)).await.unwrap();
    let first = written();
    for seconds in [0, 1, 58] {
        fixture.clock.advance(Duration::from_secs(seconds));
        fixture.answer(&bearer(&key)).await.unwrap();
        assert_eq!(written(), first, "{seconds}");
    }
    fixture.clock.advance(Duration::from_secs(1));
    fixture.answer(&bearer(&key)).await.unwrap();
    assert_eq!(written(), first + USE_INTERVAL);
    let store: &dyn crate::store::Store = &*fixture.store;
    for _ in 0..1_000 {
        if store.api_keys().await.unwrap()[0].last_used_at.is_some() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the use was not written");
}

#[tokio::test]
async fn failure_of_the_database_is_no_refusal() {
    let fixture = Fixture::new(None).await;
    let key = created();
    fixture.add(&key, None).await;
    let store: &dyn crate::store::Store = &*fixture.store;
    store.close().await.unwrap();
    let answer = fixture.keys.authenticate([bearer(&key).as_bytes()]).await;
    assert!(matches!(answer, Err(AuthenticationError::Store(_))), "{answer:?}");
    assert!(!format!("{answer:?} {:?}", fixture.keys).contains(key.expose()));
}
