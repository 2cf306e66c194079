//! Encrypted form of credentials in every mode, compared with `golden/credentials.txt`.

use serde_json::json;

use super::*;
use crate::golden::{Lines, unhex};

const FILE: &str = "credentials.txt";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// `{"type":"API_KEY","apiKey":"hush"}` of the connection `acme` of `github`, encrypted with [`KEY`].
const SEALED: &str = "\
    01e528e957ca2df44cbe388cd06cf355937f1fc91bc4b86bcd16ef1da080c14e7dc34fd8690b7faa25b2af68711dddf6b5bd\
    7c6f2f779aef3c170d715793ab91e69671";

/// Returns credentials with all keys that a mode can have.
fn parts(mode: AuthMode) -> Value {
    let end = "2026-11-22T12:00:00Z";
    match mode {
        AuthMode::None => json!({}),
        AuthMode::ApiKey => json!({ "apiKey": "k" }),
        AuthMode::Basic | AuthMode::InstallPlugin => json!({ "username": "u", "password": "p" }),
        AuthMode::Bearer => json!({ "access_token": "t" }),
        AuthMode::OAuth2 | AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic => json!({
            "access_token": "t", "refresh_token": "r", "expires_at": end,
            "config_override": { "client_id": "c", "client_secret": "s" }, "raw": { "scope": "x" }
        }),
        AuthMode::OAuth2Cc => json!({
            "client_id": "c", "client_secret": "s", "client_certificate": "e", "client_private_key": "k", "token": "t",
            "expires_at": end, "raw": {}
        }),
        AuthMode::TwoStep | AuthMode::Jwt => {
            json!({ "token": "t", "refresh_token": "r", "expires_at": end, "raw": {}, "of_the_provider": "o" })
        }
        AuthMode::OAuth1 => {
            json!({ "oauth_token": "t", "oauth_token_secret": "s", "config_override": { "client_id": "c" }, "raw": {} })
        }
        AuthMode::Tba => json!({ "token_id": "t", "token_secret": "s", "config_override": { "client_id": "c" } }),
        AuthMode::App | AuthMode::Custom => json!({
            "installation_id": "i", "app_id": "a", "access_token": "t", "expires_at": end, "raw": {}, "jwtToken": "j"
        }),
        AuthMode::Signature => json!({ "username": "u", "password": "p", "token": "t", "expires_at": end }),
        AuthMode::AwsSigV4 => json!({
            "access_key_id": "i", "secret_access_key": "k", "region": "r", "service": "s", "session_token": "t",
            "role_arn": "a", "expires_at": end, "external_id": "e", "raw": {}
        }),
        AuthMode::Bill => json!({
            "username": "u", "password": "p", "organization_id": "o", "dev_key": "d", "session_id": "s", "user_id": "n",
            "expires_at": end, "raw": {}
        }),
    }
}

/// Returns credentials of every mode, and refreshed ones with secret configuration.
fn samples() -> Vec<Credentials> {
    let parse = |mode| Credentials::parse(mode, &parts(mode), None).unwrap();
    let obtained = ObtainedToken {
        refresh_token: Some(Secret::new("r2")),
        expires_at: Some(crate::time::Timestamp::from_micros(1_800_000_000_000_000)),
        raw: json!({ "access_token": "t2" }),
        parts: Map::from_iter([("of_the_answer".to_owned(), json!("o"))]),
        ..ObtainedToken::new("t2")
    };
    let refreshed =
        parse(AuthMode::OAuth2).with_token(&obtained).with_config(Map::from_iter([("k".to_owned(), json!("v"))]));
    AuthMode::all().map(parse).chain([refreshed]).collect()
}

#[test]
fn sealed_form_of_credentials_is_frozen() {
    let mut lines = Lines::default();
    for mode in AuthMode::all() {
        lines.add("auth mode", format_args!("{} {}", mode.name(), mode.stored_name()));
    }
    for credentials in samples() {
        lines.add("credentials", std::str::from_utf8(&credentials.to_sealed_json().unwrap()).unwrap());
    }
    lines.check(FILE);
}

#[test]
fn sealed_form_of_credentials_is_read_back() {
    let ring = KeyRing::from_key(KEY).unwrap();
    let context = credentials_context("github", "acme");
    let open = |plain: String| {
        let blob = ring.seal(plain.as_bytes(), &context).unwrap();
        Credentials::open(&ring, &blob, "github", "acme").unwrap()
    };
    let read: Vec<Credentials> = crate::golden::values(FILE, "credentials").into_iter().map(open).collect();
    assert_eq!(read, samples());
}

#[test]
fn sealed_credentials_of_an_earlier_build_open() {
    let ring = KeyRing::from_key(KEY).unwrap();
    let opened = Credentials::open(&ring, &unhex(SEALED), "github", "acme").unwrap();
    assert_eq!(opened.to_json(true), json!({ "type": "API_KEY", "apiKey": "hush" }));
}
