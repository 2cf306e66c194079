use serde_json::json;

use super::*;
use crate::{
    auth::{App, Credentials},
    http::{
        Method, OutgoingRequest,
        mock::{MockTransport, mock_response},
    },
    provider::{Catalogue, Provider},
    redact::Redactor,
};

const NOW: Timestamp = Timestamp::from_micros(1_764_000_000_000_000);

/// Reads the token of a response.
fn read(status: u16, content_type: &str, body: &[u8]) -> Result<ObtainedToken, ObtainError> {
    let provider: Provider = Catalogue::builtin().find("github").unwrap().clone();
    let credentials = Credentials::parse(AuthMode::OAuth2, &json!({ "access_token": "old-token-1" }), None).unwrap();
    let redactor = Redactor::default();
    let context = TokenContext {
        provider: &provider,
        integration: "shop",
        credentials: &credentials,
        config: &Map::new(),
        app: &App::default(),
        redactor: &redactor,
        now: NOW,
        entropy: &crate::http::SystemClock,
    };
    let body = str::from_utf8(body).unwrap();
    let script = MockTransport::new([mock_response(status, &[("content-type", content_type)], body)]);
    let request = OutgoingRequest::new(Method::POST, "https://h.test/token".parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let response = runtime.block_on(script.client("https://h.test").fetch(&request)).unwrap();
    super::read_token(&response, &context)
}

#[test]
fn token_is_read_by_content_whatever_the_media_type() {
    let json = br#"{"access_token":"t1","refresh_token":"r1","expires_in":60}"#.as_slice();
    let marked = [b"\xef\xbb\xbf", json].concat();
    let form = b"access_token=t1&refresh_token=r1&expires_in=60".as_slice();
    let long = br#"{"access_token":"t1","refresh_token":"r1","expires_in":60,"id":123456789012345678901234567890}"#;
    let cases: [(&str, &[u8]); 9] = [
        ("application/json", long),
        ("application/json", json),
        ("application/json", &marked),
        ("text/html; charset=utf-8", json),
        ("application/x-www-form-urlencoded", form),
        ("application/x-www-form-urlencoded", json),
        ("text/plain", form),
        ("text/html", b" \naccess_token=t1&refresh_token=r1&expires_in=60\n"),
        ("application/json", form),
    ];
    for (content_type, body) in cases {
        let obtained = read(200, content_type, body).unwrap();
        assert_eq!(obtained.token.expose(), "t1", "{content_type}");
        assert_eq!(obtained.refresh_token.unwrap().expose(), "r1", "{content_type}");
        assert_eq!(obtained.expires_at, Some(NOW + Duration::from_mins(1)), "{content_type}");
    }
}

#[test]
fn unreadable_response_is_not_quoted() {
    for body in [b"<html>tok-secret</html>".as_slice(), b"{\"access_token\":\"tok-secret\"", b"tok secret = 1", b""] {
        let error = read(200, "text/html", body).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ObtainError::Failed { responded: true, .. }), "{text}");
        assert!(
            text.starts_with("POST https://h.test/token returned 200 with text/html that cannot be read ("),
            "{text}"
        );
        assert!(!text.contains("secret"), "{text}");
    }
}

/// Returns whether a response rejects the credentials, and whether it counts as a response of the token server.
fn refused_and_answered(status: u16, body: &str) -> (bool, bool) {
    match read(status, "application/json", body.as_bytes()) {
        Err(ObtainError::Refused(_)) => (true, true),
        Err(ObtainError::Failed { responded, .. }) => (false, responded),
        other => panic!("{other:?}"),
    }
}

#[test]
fn permanent_error_codes_reject() {
    let refused = [
        (400, r#"{"error":"invalid_grant"}"#),
        (400, r#"{"error":"invalid_request","error_description":"refresh token expired"}"#),
        (401, r#"{"error":"anything_else"}"#),
        (400, r#"{"error":"OAuth said: invalid_grant."}"#),
        (403, r#"{"error":"invalid_client"}"#),
        (400, r#"{"error":{"code":"invalid_grant"}}"#),
        (400, r#"{"message":"in no standard shape"}"#),
        (401, ""),
        (200, r#"{"ok":false,"error":"invalid_refresh_token"}"#),
        (200, r#"{"error":"invalid_code"}"#),
        (200, r#"{"error":"bad_refresh_token"}"#),
        (200, "error=bad_refresh_token&error_description=x"),
    ];
    for (status, body) in refused {
        assert_eq!(refused_and_answered(status, body), (true, true), "{status} {body}");
    }
}

#[test]
fn temporary_errors_do_not_reject() {
    let temporary = [
        (400, r#"{"error":"temporarily_unavailable"}"#),
        (400, r#"{"error":"slow_down"}"#),
        (400, r#"{"error":"Too many requests"}"#),
        (401, r#"{"error":"server_error"}"#),
        (429, r#"{"error":"invalid_request"}"#),
        (200, r#"{"ok":false,"error":"ratelimited"}"#),
        (500, r#"{"error":"invalid_grant"}"#),
        (503, "<html>down</html>"),
    ];
    for (status, body) in temporary {
        assert_eq!(refused_and_answered(status, body), (false, false), "{status} {body}");
    }
    let unclear = [
        (400, "<html>a page of a proxy</html>"),
        (401, "\n <!doctype html>"),
        (403, r#"{"message":"forbidden"}"#),
        (403, r#"{"error":"forbidden_region"}"#),
        (404, "no such page"),
        (200, r#"{"error":"something_new"}"#),
        (200, r#"{"ok":true}"#),
    ];
    for (status, body) in unclear {
        assert_eq!(refused_and_answered(status, body), (false, true), "{status} {body}");
    }
}
