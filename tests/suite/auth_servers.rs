//! The third-party authorization servers behave as the tests that use them assume: tokens rotate, the reuse of a
//! refresh token revokes its grant, and configured faults are applied to responses.

#![expect(
    clippy::unwrap_used,
    reason = "clippy recognises tests by their attribute, but not the functions that they call"
)]

use std::time::{Duration, Instant};

use nango_tests::{
    catalogue,
    oauth::{Api, AuthServerKind, OAuth, RequestCounts, TokenResponse},
    wait,
};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

/// Returns status and body, or the transport error if there is no response.
fn send(request: RequestBuilder) -> Result<(u16, String), reqwest::Error> {
    wait(async move {
        let response = request.send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    })
}

fn token_request(oauth: &OAuth, client_id: &str, fields: &[(&str, &str)]) -> RequestBuilder {
    let secret = OAuth::secret(client_id);
    let mut fields = fields.to_vec();
    let request = client().post(oauth.token_url());
    if client_id == "post" {
        fields.extend([("client_id", client_id), ("client_secret", &secret)]);
        return request.form(&fields);
    }
    request.basic_auth(client_id, Some(secret)).form(&fields)
}

fn refresh(oauth: &OAuth, client_id: &str, refresh_token: &str) -> (u16, Value) {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    let (status, body) = send(token_request(oauth, client_id, &fields)).unwrap();
    (status, serde_json::from_str(&body).unwrap())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn rotating_server_revokes_grant_when_refresh_token_is_reused() {
    let Some(oauth) = OAuth::start(AuthServerKind::Rotating, 600) else { return };
    for client_id in ["basic", "post"] {
        let first = oauth.connect(client_id, 60);
        assert!(oauth.is_current(&first.access_token));
        let (status, second) = refresh(&oauth, client_id, &first.refresh_token);
        assert_eq!((status, &second["expires_in"]), (200, &600.into()));
        assert!(!oauth.is_current(&first.access_token) && oauth.is_current(&text(&second["access_token"])));
        assert_ne!(text(&second["refresh_token"]), first.refresh_token);

        let (status, refused) = refresh(&oauth, client_id, &first.refresh_token);
        assert_eq!((status, &refused["error"]), (400, &"invalid_grant".into()));
        assert!(!oauth.is_current(&text(&second["access_token"])), "the whole grant is revoked");
        assert_eq!(refresh(&oauth, client_id, &text(&second["refresh_token"])).0, 400);
    }
    let seen: Vec<_> =
        oauth.token_requests().into_iter().map(|seen| (seen.client_auth, seen.status.unwrap())).collect();
    let expect =
        ["basic", "body"].into_iter().flat_map(|method| [200, 400, 400].map(|status| (method.to_owned(), status)));
    assert!(seen.iter().cloned().eq(expect), "{seen:?}");
}

#[test]
fn non_rotating_server_accepts_refresh_token_repeatedly() {
    let Some(oauth) = OAuth::start(AuthServerKind::NonRotating, 600) else { return };
    let first = oauth.connect("post", 60);
    assert!(oauth.is_current(&first.access_token));
    let mut last = first.access_token;
    for _ in 0..3 {
        let (status, response) = refresh(&oauth, "post", &first.refresh_token);
        assert_eq!((status, &response["expires_in"], &response["refresh_token"]), (200, &600.into(), &Value::Null));
        assert!(!oauth.is_current(&last), "only the newest one is valid");
        last = text(&response["access_token"]);
        assert!(oauth.is_current(&last));
    }
    assert_eq!(refresh(&oauth, "post", "another").0, 400);
    assert_eq!(oauth.token_requests().len(), 4, "the requests that created the connection are not counted");
}

#[test]
fn servers_issue_tokens_only_to_registered_clients() {
    for kind in AuthServerKind::BOTH {
        let Some(oauth) = OAuth::start(kind, 600) else { return };
        let credentials = [("grant_type", "client_credentials")];
        for client_id in ["basic", "post"] {
            let (status, body) = send(token_request(&oauth, client_id, &credentials)).unwrap();
            let token = text(&serde_json::from_str::<Value>(&body).unwrap()["access_token"]);
            assert!(status == 200 && oauth.is_current(&token), "{kind:?} {client_id}: {body}");
            oauth.revoke(&token);
            assert!(!oauth.is_current(&token));
        }
        let wrong = client().post(oauth.token_url()).basic_auth("basic", Some("another")).form(&credentials);
        assert_eq!(send(wrong).unwrap().0, 401, "{kind:?}");
        let unauthenticated = client().post(oauth.token_url()).form(&credentials);
        assert!((400..=401).contains(&send(unauthenticated).unwrap().0), "{kind:?}");
    }
}

#[test]
fn access_token_expires_after_its_lifetime() {
    let mut connected = Vec::new();
    for kind in AuthServerKind::BOTH {
        let Some(oauth) = OAuth::start(kind, 600) else { return };
        let tokens = oauth.connect("basic", 2);
        assert!(oauth.is_current(&tokens.access_token), "{kind:?}");
        connected.push((kind, oauth, tokens));
    }
    std::thread::sleep(Duration::from_millis(3100));
    for (kind, oauth, tokens) in connected {
        assert!(!oauth.is_current(&tokens.access_token), "{kind:?}");
        assert_eq!(refresh(&oauth, "basic", &tokens.refresh_token).0, 200);
    }
}

#[test]
fn configured_faults_are_applied_to_token_responses() {
    for kind in AuthServerKind::BOTH {
        let Some(oauth) = OAuth::start(kind, 600) else { return };
        let mut tokens = oauth.connect("basic", 60);
        let mut refresh_with = |response: &TokenResponse| {
            oauth.set_next_response(response);
            let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh_token.as_str())];
            let before = tokens.access_token.clone();
            let result = send(token_request(&oauth, "basic", &fields));
            let rotated = !oauth.is_current(&before);
            tokens = oauth.connect("basic", 60);
            (result, rotated)
        };

        let (lost, rotated) = refresh_with(&TokenResponse::Lost);
        assert!(lost.is_err() && rotated, "{kind:?}: the server rotated the token");
        let (truncated, rotated) = refresh_with(&TokenResponse::Truncated);
        let (status, body) = truncated.unwrap();
        assert!(status == 200 && rotated && serde_json::from_str::<Value>(&body).is_err(), "{kind:?}: {body}");
        let (refused, rotated) = refresh_with(&TokenResponse::INVALID_GRANT);
        assert_eq!((refused.unwrap(), rotated), ((400, r#"{"error":"invalid_grant"}"#.to_owned()), false));
        let (down, rotated) = refresh_with(&TokenResponse::error(503, "down"));
        assert_eq!((down.unwrap(), rotated), ((503, "down".to_owned()), false));
        let started = Instant::now();
        let (slow, rotated) = refresh_with(&TokenResponse::Delayed(Duration::from_millis(300)));
        assert!(slow.unwrap().0 == 200 && rotated && started.elapsed() >= Duration::from_millis(300));
        oauth.set_next_response(&TokenResponse::Delayed(Duration::ZERO));

        let outcomes: Vec<_> = oauth.token_requests().into_iter().map(|seen| seen.outcome.unwrap()).collect();
        assert_eq!(outcomes, ["lost", "truncated", "replaced", "replaced", "complete"], "{kind:?}");
    }
}

#[test]
fn api_accepts_only_tokens_of_its_authorization_server() {
    for kind in AuthServerKind::BOTH {
        let Some(oauth) = OAuth::start(kind, 600) else { return };
        let api = Api::start(&oauth);
        let tokens = oauth.connect("basic", 60);
        let get = |token: &str| client().get(format!("{}/a", api.url())).bearer_auth(token);
        assert_eq!(send(get(&tokens.access_token)).unwrap(), (200, r#"{"path":"/a"}"#.to_owned()));
        assert_eq!(send(get("another")).unwrap().0, 401);
        assert_eq!(send(client().get(api.url())).unwrap().0, 401);

        api.refuse_all();
        assert_eq!(send(get(&tokens.access_token)).unwrap().0, 401);
        let expect = RequestCounts { accepted: 1, refused: 3 };
        assert_eq!(api.request_counts(), expect, "{kind:?}");
    }
}

#[test]
fn catalogue_of_nango_is_fetched_and_not_shipped() {
    let Some(providers) = catalogue::providers() else { return };
    let text = std::fs::read_to_string(providers).unwrap();
    let entries = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric())).count();
    assert_eq!(entries, catalogue::ENTRIES);
}
