use serde_json::json;

use super::*;

#[track_caller]
fn check(mode: &str, value: &Value, expect: Result<Value, &str>) {
    let got = Credentials::parse(mode.parse().unwrap(), value, None).map_err(|error| error.to_string());
    if let Ok(credentials) = &got {
        assert_eq!(Credentials::parse(credentials.mode(), &credentials.to_json(true), None).as_ref(), Ok(credentials));
        assert!(!format!("{credentials:?}{}", credentials.to_json(false)).contains("hush"));
    }
    assert_eq!(got.map(|credentials| credentials.to_json(true)), expect.map_err(str::to_owned), "{value}");
}

#[test]
fn each_mode_accepts_its_fields() {
    check("none", &json!(null), Ok(json!({ "type": "NONE" })));
    check("none", &json!({ "type": "NONE" }), Ok(json!({ "type": "NONE" })));
    let key = json!({ "type": "API_KEY", "apiKey": "hush" });
    check("api-key", &json!({ "apiKey": "hush" }), Ok(key.clone()));
    check("api-key", &json!(" hush\n"), Ok(key));
    let basic = |password| Ok(json!({ "type": "BASIC", "username": "ann", "password": password }));
    check("basic", &json!({ "type": "BASIC", "username": "ann", "password": "hush" }), basic("hush"));
    check("basic", &json!({ "username": "ann" }), basic(""));
    let token = || Ok(json!({ "type": "BEARER", "access_token": "hush" }));
    for given in [json!("hush"), json!({ "token": "hush" }), json!({ "type": "OAUTH2", "access_token": "hush" })] {
        check("bearer", &given, token());
    }
}

#[test]
fn token_expiry_is_read() {
    let at = |expires_at: Value| json!({ "access_token": "hush", "refresh_token": "hush2", "expires_at": expires_at });
    let stored = |value: Value| json!({ "type": "OAUTH2", "access_token": "hush", "refresh_token": "hush2", "expires_at": value });
    let date = json!("2026-11-22T12:00:00.000Z");
    for given in
        [json!("2026-11-22T12:00:00Z"), json!(1_795_348_800), json!(1_795_348_800_000_i64), json!("1795348800")]
    {
        check("oauth2", &at(given), Ok(stored(date.clone())));
    }
    let credentials = Credentials::parse(AuthMode::OAuth2, &at(date), None).unwrap();
    assert_eq!(credentials.expires_at(), Some(Timestamp::from_micros(1_795_348_800_000_000)));
    assert_eq!((credentials.token(), credentials.refresh_token()), (Some("hush"), Some("hush2")));
    assert!(credentials.are_refreshable());
    assert_eq!(credentials.without_refresh_token().refresh_token(), None);
    let help = r#" (expected {"access_token": "…", "refresh_token": "…"})"#;
    let text =
        "invalid oauth2 credentials: `expires_at` is not a timestamp; use `2026-11-22T12:00:00Z` or seconds since 1970";
    check("oauth2", &at(json!("soon")), Err(&format!("{text}{help}")));
    // A refresh token alone is enough: it is exchanged for the first token.
    check("oauth2", &json!({ "refresh_token": "hush" }), Ok(json!({ "type": "OAUTH2", "refresh_token": "hush" })));
}

#[test]
fn error_names_the_key_and_never_the_value() {
    let key = "invalid api-key credentials: ";
    let help = r#" (expected {"apiKey": "…"})"#;
    let check_key = |value: Value, reason: &str| check("api-key", &value, Err(&format!("{key}{reason}{help}")));
    check_key(json!({}), "`apiKey` is missing");
    check_key(json!({ "apikey": "hush" }), "unknown key `apikey`; did you mean `apiKey`?");
    check_key(json!({ "apiKey": 5 }), "`apiKey` must be a string, found a number");
    check_key(json!({ "apiKey": " " }), "`apiKey` is empty");
    check_key(json!({ "apiKey": "hu\nsh" }), "`apiKey` contains a line break or another control character");
    check_key(json!({ "type": "BASIC", "apiKey": "hush" }), "`type` must be `API_KEY`");
    check_key(json!(["hush"]), "expected an object, found a list");
    let help = r#"(expected {"username": "…", "password": "…"})"#;
    let text = format!("invalid basic credentials: expected an object, found a string {help}");
    check("basic", &json!("a:b"), Err(&text));
    let text = r#"invalid bearer credentials: `access_token` or `token` is missing (expected {"access_token": "…"})"#;
    check("bearer", &json!({}), Err(text));
    let text = "invalid none credentials: unknown key `apiKey` (expected {})";
    check("none", &json!({ "apiKey": "hush" }), Err(text));
    let text =
        r#"invalid oauth2-cc credentials: `client_id` is missing (expected {"client_id": "…", "client_secret": "…"})"#;
    check("oauth2-cc", &json!({ "client_secret": "hush" }), Err(text));
}

#[test]
fn obtained_token_is_merged() {
    let given = json!({ "client_id": "app", "client_secret": "hush" });
    let credentials = Credentials::parse(AuthMode::OAuth2Cc, &given, None).unwrap();
    assert_eq!((credentials.token(), credentials.client()), (None, Some(("app", "hush"))));
    let raw = json!({ "access_token": "hush1", "nested": [{ "refreshToken": "hush2" }] });
    let obtained =
        ObtainedToken { expires_at: Some(Timestamp::from_micros(5_000_000)), raw, ..ObtainedToken::new("hush1") };
    let refreshed = credentials.with_token(&obtained);
    assert_eq!((refreshed.token(), refreshed.expires_at()), (Some("hush1"), Some(Timestamp::from_micros(5_000_000))));
    assert!(!refreshed.without_refresh_token().to_json(true).to_string().contains("hush2"));
    let shown = json!({ "type": "OAUTH2_CC", "client_id": "app", "client_secret": "***", "token": "***",
        "expires_at": "1970-01-01T00:00:05.000Z", "raw": "***" });
    assert_eq!(refreshed.to_json(false), shown);
    // A token without expiry does not keep the expiry of the previous one.
    assert_eq!(refreshed.with_token(&ObtainedToken::new("x")).expires_at(), None);
}

#[test]
fn sealed_credentials_open_only_for_their_connection() {
    let ring = KeyRing::ephemeral().unwrap();
    let credentials = Credentials::bearer("hush");
    let sealed = credentials.seal(&ring, "github", "ann").unwrap();
    assert_eq!(Credentials::open(&ring, &sealed, "github", "ann").unwrap(), credentials);
    assert!(matches!(Credentials::open(&ring, &sealed, "github", "bob"), Err(KeyError::Damaged)));
}

#[test]
fn credentials_are_serialised_into_one_buffer_that_is_wiped() {
    let value = json!({ "username": "ann", "password": "hush \"quoted\" \u{e9}".repeat(40) });
    let credentials = Credentials::parse(AuthMode::Basic, &value, None).unwrap();
    let plain: Zeroizing<Vec<u8>> = credentials.to_sealed_json().unwrap();
    assert_eq!(std::str::from_utf8(&plain).unwrap(), credentials.to_json(true).to_string());
    assert_eq!(plain.capacity(), plain.len(), "a buffer that grew leaves copies");
}
