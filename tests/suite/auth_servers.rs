//! What the servers of others promise to the tests that use them: tokens rotate, a token that is used twice ends its
//! grant, and an answer is spoilt as it was said.

#![expect(clippy::unwrap_used, reason = "clippy knows tests by their attribute, and not the functions that they call")]

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

/// Status and body; what went wrong if no answer came.
fn send(request: RequestBuilder) -> Result<(u16, String), reqwest::Error> {
    wait(async move {
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
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
fn a_rotating_server_ends_a_grant_whose_token_comes_twice() {
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
        assert!(!oauth.is_current(&text(&second["access_token"])), "the whole grant is over");
        assert_eq!(refresh(&oauth, client_id, &text(&second["refresh_token"])).0, 400);
    }
    let seen: Vec<_> =
        oauth.token_requests().into_iter().map(|seen| (seen.client_auth, seen.status.unwrap())).collect();
    let expect = ["basic", "body"].into_iter().flat_map(|way| [200, 400, 400].map(|status| (way.to_owned(), status)));
    assert!(seen.iter().cloned().eq(expect), "{seen:?}");
}

#[test]
fn non_rotating_server_accepts_refresh_token_repeatedly() {
    let Some(oauth) = OAuth::start(AuthServerKind::NonRotating, 600) else { return };
    let first = oauth.connect("post", 60);
    assert!(oauth.is_current(&first.access_token));
    let mut last = first.access_token;
    for _ in 0..3 {
        let (status, answer) = refresh(&oauth, "post", &first.refresh_token);
        assert_eq!((status, &answer["expires_in"], &answer["refresh_token"]), (200, &600.into(), &Value::Null));
        assert!(!oauth.is_current(&last), "only the newest one is good");
        last = text(&answer["access_token"]);
        assert!(oauth.is_current(&last));
    }
    assert_eq!(refresh(&oauth, "post", "another").0, 400);
    assert_eq!(oauth.token_requests().len(), 4, "the walk that made the connection is not counted");
}

#[test]
fn servers_issue_tokens_only_to_registered_clients() {
    for peer in AuthServerKind::BOTH {
        let Some(oauth) = OAuth::start(peer, 600) else { return };
        let credentials = [("grant_type", "client_credentials")];
        for client_id in ["basic", "post"] {
            let (status, body) = send(token_request(&oauth, client_id, &credentials)).unwrap();
            let token = text(&serde_json::from_str::<Value>(&body).unwrap()["access_token"]);
            assert!(status == 200 && oauth.is_current(&token), "{peer:?} {client_id}: {body}");
            oauth.revoke(&token);
            assert!(!oauth.is_current(&token));
        }
        let wrong = client().post(oauth.token_url()).basic_auth("basic", Some("another")).form(&credentials);
        assert_eq!(send(wrong).unwrap().0, 401, "{peer:?}");
        let unauthenticated = client().post(oauth.token_url()).form(&credentials);
        assert!((400..=401).contains(&send(unauthenticated).unwrap().0), "{peer:?}");
    }
}

#[test]
fn an_access_token_ends_in_time() {
    let mut connected = Vec::new();
    for peer in AuthServerKind::BOTH {
        let Some(oauth) = OAuth::start(peer, 600) else { return };
        let tokens = oauth.connect("basic", 2);
        assert!(oauth.is_current(&tokens.access_token), "{peer:?}");
        connected.push((peer, oauth, tokens));
    }
    std::thread::sleep(Duration::from_millis(3100));
    for (peer, oauth, tokens) in connected {
        assert!(!oauth.is_current(&tokens.access_token), "{peer:?}");
        assert_eq!(refresh(&oauth, "basic", &tokens.refresh_token).0, 200);
    }
}

#[test]
fn configured_faults_are_applied_to_token_responses() {
    for peer in AuthServerKind::BOTH {
        let Some(oauth) = OAuth::start(peer, 600) else { return };
        let mut tokens = oauth.connect("basic", 60);
        let mut ask_with = |answer: &TokenResponse| {
            oauth.set_next_response(answer);
            let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh_token.as_str())];
            let before = tokens.access_token.clone();
            let got = send(token_request(&oauth, "basic", &fields));
            let moved = !oauth.is_current(&before);
            tokens = oauth.connect("basic", 60);
            (got, moved)
        };

        let (lost, moved) = ask_with(&TokenResponse::Lost);
        assert!(lost.is_err() && moved, "{peer:?}: the server did its work");
        let (garbled, moved) = ask_with(&TokenResponse::Truncated);
        let (status, body) = garbled.unwrap();
        assert!(status == 200 && moved && serde_json::from_str::<Value>(&body).is_err(), "{peer:?}: {body}");
        let (refused, moved) = ask_with(&TokenResponse::INVALID_GRANT);
        assert_eq!((refused.unwrap(), moved), ((400, r#"{"error":"invalid_grant"}"#.to_owned()), false));
        let (down, moved) = ask_with(&TokenResponse::error(503, "down"));
        assert_eq!((down.unwrap(), moved), ((503, "down".to_owned()), false));
        let started = Instant::now();
        let (slow, moved) = ask_with(&TokenResponse::Delayed(Duration::from_millis(300)));
        assert!(slow.unwrap().0 == 200 && moved && started.elapsed() >= Duration::from_millis(300));
        oauth.set_next_response(&TokenResponse::Delayed(Duration::ZERO));

        let answered: Vec<_> = oauth.token_requests().into_iter().map(|seen| seen.outcome.unwrap()).collect();
        assert_eq!(answered, ["lost", "garbled", "instead", "instead", "whole"], "{peer:?}");
    }
}

#[test]
fn api_accepts_only_tokens_of_its_authorization_server() {
    for peer in AuthServerKind::BOTH {
        let Some(oauth) = OAuth::start(peer, 600) else { return };
        let api = Api::start(&oauth);
        let tokens = oauth.connect("basic", 60);
        let get = |token: &str| client().get(format!("{}/a", api.url())).bearer_auth(token);
        assert_eq!(send(get(&tokens.access_token)).unwrap(), (200, r#"{"path":"/a"}"#.to_owned()));
        assert_eq!(send(get("another")).unwrap().0, 401);
        assert_eq!(send(client().get(api.url())).unwrap().0, 401);

        api.refuse_all();
        assert_eq!(send(get(&tokens.access_token)).unwrap().0, 401);
        let expect = RequestCounts { accepted: 1, refused: 3 };
        assert_eq!(api.request_counts(), expect, "{peer:?}");
    }
}

#[test]
fn nangos_catalogue_is_fetched_and_not_shipped() {
    let Some(providers) = catalogue::providers() else { return };
    let text = std::fs::read_to_string(providers).unwrap();
    let entries = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric())).count();
    assert_eq!(entries, catalogue::ENTRIES);
}
