mod errors;
mod fixture;
mod processes;

use serde_json::json;

use super::{schedule::INITIAL_BACKOFF, *};
use crate::{
    auth::AuthMode,
    error::{Chain, Remedy},
    http::{Authorize, CredentialsVersion, SystemClock},
    store::{NewConnection, ProfileChange},
    time::Timestamp,
};
use fixture::*;

#[tokio::test]
async fn concurrent_callers_at_expiry_share_one_request() {
    let fixture = Fixture::new(
        expired_credentials(),
        Some(Timestamp::UNIX_EPOCH),
        TokenServer { delay: Duration::from_millis(30), ..TokenServer::default() },
    )
    .await;
    let refreshing = fixture.refreshing().await;
    let all = (0..200).map(|_| {
        let refreshing = refreshing.clone();
        tokio::spawn(async move { sent(&refreshing).await.unwrap().0 })
    });
    for one in all.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap(), "Bearer t1");
    }
    assert_eq!(fixture.server.request_count(), 1);
    let body = fixture.server.bodies.lock().unwrap().concat();
    assert_eq!(body, "grant_type=refresh_token&refresh_token=refresh-0&client_id=app&client_secret=hush");
    let stored = fixture.tokens.load(&fixture.context).await.unwrap();
    assert_eq!((stored.credentials.refresh_token(), stored.connection.version), (Some("r1"), 2));
    // 15 minutes before the expiry, which is in an hour.
    let ahead = stored.connection.refresh_at.unwrap().micros_since(fixture.store.now());
    assert!((44 * 60..=45 * 60).contains(&(ahead / 1_000_000)), "{ahead}");
}

#[tokio::test]
async fn concurrent_rejections_of_one_version_share_one_request() {
    let fixture = Fixture::new(
        old_credentials(),
        None,
        TokenServer { delay: Duration::from_millis(30), ..TokenServer::default() },
    )
    .await;
    let refreshing = fixture.refreshing().await;
    let (_, used) = sent(&refreshing).await.unwrap();
    let all = (0..200).map(|_| {
        let refreshing = refreshing.clone();
        tokio::spawn(async move { RefreshingAuthorizer(refreshing.clone()).on_unauthorized(used).await.unwrap() })
    });
    for one in all.collect::<Vec<_>>() {
        assert!(one.await.unwrap());
    }
    assert_eq!((fixture.server.request_count(), &*sent(&refreshing).await.unwrap().0), (1, "Bearer t1"));
    // The rejection of a new token does not mean that it is old.
    let (_, used) = sent(&refreshing).await.unwrap();
    assert!(!RefreshingAuthorizer(refreshing.clone()).on_unauthorized(used).await.unwrap());
    assert_eq!(fixture.server.request_count(), 1);
}

#[tokio::test]
async fn refresh_requested_after_one_began_is_a_new_one() {
    let fixture = Fixture::new(
        old_credentials(),
        None,
        TokenServer { delay: Duration::from_millis(100), ..TokenServer::default() },
    )
    .await;
    let forced = || {
        let (tokens, context) = (fixture.tokens.clone(), fixture.context.clone());
        tokio::spawn(
            async move { tokens.force_refresh(&context).await.unwrap().credentials.token().unwrap().to_owned() },
        )
    };
    let first = forced();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let late = [forced(), forced()];
    assert_eq!(first.await.unwrap(), "t1");
    for one in late {
        assert_eq!(one.await.unwrap(), "t2");
    }
    assert_eq!(fixture.server.request_count(), 2);
}

#[tokio::test]
async fn rejected_refresh_is_not_retried() {
    let no = (400, json!({ "error": "invalid_grant", "error_description": "the token refresh-0 was revoked" }));
    let fixture = Fixture::new(
        old_credentials(),
        Some(Timestamp::UNIX_EPOCH),
        TokenServer { responses: Mutex::new([no].into()), ..TokenServer::default() },
    )
    .await;
    // The expiry of the old token is not known, so it is used until it is rejected.
    let refreshing = fixture.refreshing().await;
    assert_eq!(sent(&refreshing).await.unwrap().0, "Bearer t0");
    wait_until(|| fixture.server.request_count() == 1).await;
    let error = RefreshingAuthorizer(refreshing.clone()).on_unauthorized(CredentialsVersion(1)).await.unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error.remedy(), Some(Remedy::ReplaceCredentials { .. })) && text.contains("must be connected again"),
        "{text}"
    );
    assert!(
        text.contains("POST https://h.test/token returned 400 (invalid_grant: the token *** was revoked)"),
        "{text}"
    );
    assert_eq!(fixture.server.request_count(), 1);
    let stored = fixture.store.connection("shop", "ann").await.unwrap().unwrap();
    assert!(stored.failure.is_some_and(|failure| failure.refused && failure.attempts == 1));
    // A forced refresh is attempted.
    assert_eq!(fixture.tokens.force_refresh(&fixture.context).await.unwrap().credentials.token(), Some("t2"));
    assert_eq!(fixture.store.connection("shop", "ann").await.unwrap().unwrap().failure, None);
}

#[tokio::test]
async fn failed_refresh_is_retried_after_a_backoff() {
    let down = (503, json!({ "message": "try later" }));
    let server = TokenServer { responses: Mutex::new([down].into()), ..TokenServer::default() };
    let fixture = Fixture::new(expired_credentials(), Some(Timestamp::from_micros(1_000_000)), server).await;
    let refreshing = fixture.refreshing().await;
    for _ in 0..3 {
        let error = sent(&refreshing).await.unwrap_err();
        assert!(error.wait().is_some_and(|wait| wait <= INITIAL_BACKOFF && !wait.is_zero()), "{error}");
        assert!(error.to_string().contains("returned 503 (try later); next attempt in "), "{error}");
    }
    assert_eq!(fixture.server.request_count(), 1);
}

#[tokio::test]
async fn dropped_caller_does_not_lose_the_token() {
    let fixture = Fixture::new(
        expired_credentials(),
        Some(Timestamp::UNIX_EPOCH),
        TokenServer { delay: Duration::from_millis(50), ..TokenServer::default() },
    )
    .await;
    let refreshing = fixture.refreshing().await;
    let dropped = tokio::time::timeout(Duration::from_millis(10), sent(&refreshing)).await;
    assert!(dropped.is_err());
    fixture.tokens.wait_until_idle(Duration::from_secs(5)).await;
    assert_eq!(fixture.tokens.load(&fixture.context).await.unwrap().credentials.refresh_token(), Some("r1"));
    assert_eq!((sent(&refreshing).await.unwrap().0.as_str(), fixture.server.request_count()), ("Bearer t1", 1));
}

#[tokio::test]
async fn valid_token_is_refreshed_in_the_background() {
    let fixture = Fixture::new(
        old_credentials(),
        Some(Timestamp::UNIX_EPOCH),
        TokenServer { delay: Duration::from_millis(200), ..TokenServer::default() },
    )
    .await;
    let refreshing = fixture.refreshing().await;
    for _ in 0..20 {
        assert_eq!(sent(&refreshing).await.unwrap().0, "Bearer t0");
    }
    wait_until(|| fixture.server.request_count() == 1).await;
    fixture.tokens.wait_until_idle(Duration::from_secs(5)).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((sent(&refreshing).await.unwrap().0.as_str(), fixture.server.request_count()), ("Bearer t1", 1));
}

#[tokio::test]
async fn waiters_share_the_error_of_a_failed_refresh() {
    let down = || (503, json!({}));
    let server = TokenServer {
        responses: Mutex::new([down(), down()].into()),
        delay: Duration::from_millis(50),
        ..TokenServer::default()
    };
    let fixture = Fixture::new(old_credentials(), None, server).await;
    let forced = || {
        let (tokens, context) = (fixture.tokens.clone(), fixture.context.clone());
        tokio::spawn(async move { tokens.force_refresh(&context).await.unwrap_err().to_string() })
    };
    let all = [forced(), forced(), forced()];
    for one in all {
        assert!(one.await.unwrap().contains("returned 503"));
    }
    assert_eq!(fixture.server.request_count(), 1);
}

#[tokio::test]
async fn changed_host_gets_no_credentials() {
    let fixture = Fixture::new(json!({ "access_token": "t0" }), None, TokenServer::default()).await;
    let mut context = (*fixture.context).clone();
    let mut provider = (*context.provider).clone();
    provider.proxy.base_url = Some("https://${connectionConfig.name}.h.test".parse().unwrap());
    context.provider = Arc::new(provider);
    let put = async |name: &str, token: &str| {
        let credentials = Credentials::bearer(token);
        let Value::Object(config) = json!({ "name": name }) else { unreachable!() };
        let new = NewConnection {
            integration: "shop".into(),
            id: "ann".into(),
            auth: "BEARER".into(),
            credentials: credentials.seal(&fixture.tokens.ring, "shop", "ann").unwrap(),
            refresh_at: None,
            config,
            metadata: None,
            profile: ProfileChange::default(),
        };
        fixture.store.put_connection(new).await.unwrap();
    };
    put("one", "t1").await;
    let context = Arc::new(ConnectionContext { provider: accepting(&context.provider, AuthMode::Bearer), ..context });
    let current = fixture.tokens.load(&context).await.unwrap();
    let refreshing = Arc::new(RefreshingCredentials::new(fixture.tokens.clone(), context, current).unwrap());
    let (_, used) = sent(&refreshing).await.unwrap();
    put("two", "t2").await;
    let error = RefreshingAuthorizer(refreshing.clone()).on_unauthorized(used).await.unwrap_err();
    assert!(Chain(&error).to_string().contains("points to another host"), "{error}");
    assert_eq!(sent(&refreshing).await.unwrap().0, "Bearer t1");
}

#[tokio::test]
async fn credentials_changed_elsewhere_are_used() {
    let fixture = Fixture::new(json!({ "access_token": "t0" }), None, TokenServer::default()).await;
    let refreshing = fixture.refreshing().await;
    let (_, used) = sent(&refreshing).await.unwrap();
    // The stored credentials are unchanged and have no refresh token.
    assert!(!RefreshingAuthorizer(refreshing.clone()).on_unauthorized(used).await.unwrap());
    let other = Credentials::parse(AuthMode::OAuth2, &json!({ "access_token": "other" }), None).unwrap();
    let stored = fixture.store.connection("shop", "ann").await.unwrap().unwrap();
    let new = NewConnection {
        integration: stored.integration,
        id: stored.id,
        auth: stored.auth,
        credentials: other.seal(&fixture.tokens.ring, "shop", "ann").unwrap(),
        refresh_at: None,
        config: Map::new(),
        metadata: None,
        profile: ProfileChange::default(),
    };
    fixture.store.put_connection(new).await.unwrap();
    assert!(RefreshingAuthorizer(refreshing.clone()).on_unauthorized(used).await.unwrap());
    assert_eq!((sent(&refreshing).await.unwrap().0.as_str(), fixture.server.request_count()), ("Bearer other", 0));
}

#[tokio::test]
async fn token_times_use_the_system_clock() {
    let hour = 3_600_000_000;
    let setup = Fixture::new(expired_credentials(), Some(Timestamp::UNIX_EPOCH), TokenServer::default()).await;
    // The database's clock is decades ahead of this one.
    let clock = Arc::new(FixedClock(Timestamp::from_micros(5 * hour)));
    let tokens = TokenRefresher::new(setup.store.clone(), setup.tokens.ring.clone(), setup.server.clone(), clock);
    let current = setup.force_refresh(tokens.clone()).await.unwrap().unwrap();
    assert_eq!(current.connection.refresh_at, Some(Timestamp::from_micros(6 * hour - hour / 4)));
    assert!(!tokens.is_refresh_due(&current) && tokens.is_token_valid(&current));
}

#[tokio::test]
async fn failure_stored_in_the_future_does_not_delay_the_next_attempt() {
    let down = (503, json!({}));
    let server = TokenServer { responses: Mutex::new([down].into()), ..TokenServer::default() };
    let setup = Fixture::new(expired_credentials(), Some(Timestamp::UNIX_EPOCH), server).await;
    sent(&setup.refreshing().await).await.unwrap_err();
    let mut current = setup.tokens.load(&setup.context).await.unwrap();
    let why = RefreshReason::Expiring(current.connection.version);
    let check = |current: &CredentialsSnapshot| {
        setup.tokens.check_may_refresh(&setup.context, current, &LastRefresh::default(), why, Instant::now())
    };
    check(&current).unwrap_err();
    current.connection.failure.as_mut().unwrap().failed_at += Duration::from_hours(24);
    check(&current).unwrap();
}
