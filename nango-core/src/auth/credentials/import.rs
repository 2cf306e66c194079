//! Import of token server responses as credentials: `{"access_token", "token_type", "expires_in", "scope", …}`.

use serde_json::{Map, Value};

use crate::{
    declare::suggest,
    provider::AuthMode,
    time::{self, Timestamp},
};

/// Fields of a response by RFC 6749 (5.1) that credentials do not have. Any of them identifies a response.
const RESPONSE_FIELDS: [&str; 4] = ["token_type", "expires_in", "scope", "created_at"];
/// Fields that credentials may have.
const CREDENTIAL_FIELDS: [&str; 7] =
    ["type", "access_token", "token", "refresh_token", "expires_at", "raw", "config_override"];

/// Converts a token server response into credentials: `expires_in` becomes `expires_at`, and keys that credentials do
/// not have are moved into `raw`. A key that looks misspelt stays, so that it is refused. Returns `None` for any other
/// value.
///
/// The lifetime counts from `created_at` if the response has it, otherwise from `now`.
pub(super) fn from_token_response(mode: AuthMode, value: &Value, now: Timestamp) -> Option<Value> {
    let response = value.as_object()?;
    if !response.contains_key("access_token") || !RESPONSE_FIELDS.iter().any(|key| response.contains_key(*key)) {
        return None;
    }
    let mut credentials = Map::new();
    let mut rest = Map::new();
    for (key, value) in response {
        let is_credential = CREDENTIAL_FIELDS.contains(&key.as_str());
        let is_misspelt = !is_credential
            && !RESPONSE_FIELDS.contains(&key.as_str())
            && suggest::nearest(key, CREDENTIAL_FIELDS).is_some();
        let to = if is_credential || is_misspelt { &mut credentials } else { &mut rest };
        to.insert(key.clone(), value.clone());
    }
    match mode {
        AuthMode::OAuth2 | AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic => {
            if let Some(expiry) = expires_at(&rest, now) {
                credentials.entry("expires_at").or_insert(Value::String(expiry));
            }
            let raw = credentials.entry("raw").or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(raw) = raw {
                for (key, value) in rest {
                    raw.entry(key).or_insert(value);
                }
            }
        }
        // Bearer credentials have neither an expiry nor other values.
        AuthMode::Bearer => {
            credentials.extend(rest.into_iter().filter(|(key, _)| !RESPONSE_FIELDS.contains(&key.as_str())));
        }
        _ => return None,
    }
    Some(Value::Object(credentials))
}

fn expires_at(response: &Map<String, Value>, now: Timestamp) -> Option<String> {
    let span = time::parse_span(response.get("expires_in")?)?;
    // A creation time in the future is ignored.
    let created = response.get("created_at").and_then(time::from_value).filter(|created| *created <= now);
    let expiry = created.unwrap_or(now) + span;
    expiry.is_in_calendar().then(|| format!("{expiry:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Credentials;
    use serde_json::json;

    /// The current time in the tests, 2026-01-01T00:00:00Z.
    const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

    fn import(mode: AuthMode, value: &Value) -> Result<Value, String> {
        let credentials = Credentials::import(mode, value, None, NOW).map_err(|error| error.to_string())?;
        Ok(credentials.to_json(true))
    }

    #[test]
    fn token_response_is_imported() {
        let response = json!({
            "access_token": "a1", "refresh_token": "r1", "token_type": "bearer", "expires_in": 3600, "scope": "read",
            "api_domain": "https://eu.test"
        });
        let raw = json!({
            "token_type": "bearer", "expires_in": 3600, "scope": "read", "api_domain": "https://eu.test"
        });
        let expect = json!({
            "type": "OAUTH2", "access_token": "a1", "refresh_token": "r1", "expires_at": "2026-01-01T01:00:00.000Z",
            "raw": raw
        });
        assert_eq!(import(AuthMode::OAuth2, &response), Ok(expect));
        let bearer = json!({ "access_token": "a1", "token_type": "bearer", "scope": "", "expires_in": "60" });
        assert_eq!(import(AuthMode::Bearer, &bearer), Ok(json!({ "type": "BEARER", "access_token": "a1" })));
    }

    #[test]
    fn token_expiry_counts_from_created_at() {
        let end = |created: Value| {
            let response = json!({ "access_token": "a1", "expires_in": "3600", "created_at": created });
            import(AuthMode::OAuth2, &response).unwrap()["expires_at"].clone()
        };
        assert_eq!(end(json!(1_767_222_000)), "2026-01-01T00:00:00.000Z");
        assert_eq!(end(json!("2025-12-31T23:30:00Z")), "2026-01-01T00:30:00.000Z");
        for odd in [json!(1_999_999_999), json!("soon"), json!(null)] {
            assert_eq!(end(odd), "2026-01-01T01:00:00.000Z");
        }
        let both = json!({ "access_token": "a1", "expires_in": 60, "expires_at": 1_767_229_200 });
        assert_eq!(import(AuthMode::OAuth2, &both).unwrap()["expires_at"], "2026-01-01T01:00:00.000Z");
        let none = json!({ "access_token": "a1", "token_type": "bearer", "expires_in": null });
        assert_eq!(import(AuthMode::OAuth2, &none).unwrap().get("expires_at"), None);
    }

    #[test]
    fn misspelt_key_is_refused() {
        let response = json!({ "access_token": "a1", "refresh_tokn": "r1", "token_type": "bearer" });
        let error = import(AuthMode::OAuth2, &response).unwrap_err();
        assert!(error.contains("unknown key `refresh_tokn`; did you mean `refresh_token`?"), "{error}");
        let strict = json!({ "access_token": "a1", "api_domain": "x" });
        assert!(import(AuthMode::OAuth2, &strict).unwrap_err().contains("unknown key `api_domain`"));
    }

    #[test]
    fn token_with_its_scheme_is_accepted() {
        for token in ["Bearer a1", "bearer  a1 ", "a1"] {
            for value in [json!(token), json!({ "access_token": token })] {
                assert_eq!(import(AuthMode::Bearer, &value).unwrap()["access_token"], "a1", "{value}");
            }
        }
        assert_eq!(import(AuthMode::ApiKey, &json!("Bearer a1")).unwrap()["apiKey"], "Bearer a1");
        assert!(import(AuthMode::Bearer, &json!("Bearer ")).unwrap_err().contains("is empty"));
    }
}
