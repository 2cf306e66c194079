//! What a token server answered, as credentials: `{"access_token", "token_type", "expires_in", "scope", …}`.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{auth::time_values, declare::suggest, provider::AuthMode};

/// Fields of an answer by RFC 6749 (5.1) that credentials do not have: one of them shows what it is.
const RESPONSE_FIELDS: [&str; 4] = ["token_type", "expires_in", "scope", "created_at"];
/// Fields that credentials have.
const CREDENTIAL_FIELDS: [&str; 7] =
    ["type", "access_token", "token", "refresh_token", "expires_at", "raw", "config_override"];

/// Turns a token server's answer into credentials: `expires_in` becomes `expires_at`, and what credentials do not have goes
/// into `raw`. A key that looks like a misspelt one stays, and is refused. Everything else comes back as it is.
///
/// The span counts from `created_at`, if the answer has it, else from `now`, microseconds since 1970.
pub(super) fn from_token_response(mode: AuthMode, value: &Value, now: i64) -> Option<Value> {
    let answer = value.as_object()?;
    if !answer.contains_key("access_token") || !RESPONSE_FIELDS.iter().any(|key| answer.contains_key(*key)) {
        return None;
    }
    let mut credentials = Map::new();
    let mut rest = Map::new();
    for (key, value) in answer {
        let is_credential = CREDENTIAL_FIELDS.contains(&key.as_str());
        let is_misspelt = !is_credential
            && !RESPONSE_FIELDS.contains(&key.as_str())
            && suggest::nearest(key, CREDENTIAL_FIELDS).is_some();
        let to = if is_credential || is_misspelt { &mut credentials } else { &mut rest };
        to.insert(key.clone(), value.clone());
    }
    match mode {
        AuthMode::OAuth2 | AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic => {
            if let Some(end) = expires_at(&rest, now) {
                credentials.entry("expires_at").or_insert(Value::String(end));
            }
            let raw = credentials.entry("raw").or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(raw) = raw {
                for (key, value) in rest {
                    raw.entry(key).or_insert(value);
                }
            }
        }
        // A token alone has no end and nothing beside it.
        AuthMode::Bearer => {
            credentials.extend(rest.into_iter().filter(|(key, _)| !RESPONSE_FIELDS.contains(&key.as_str())));
        }
        _ => return None,
    }
    Some(Value::Object(credentials))
}

fn expires_at(answer: &Map<String, Value>, now: i64) -> Option<String> {
    let span = i64::try_from(time_values::parse_span(answer.get("expires_in")?)?.as_micros()).ok()?;
    // A time of the future cannot be when it was made.
    let created = answer.get("created_at").and_then(time_values::parse_timestamp).filter(|created| *created <= now);
    let end = Timestamp::from_microsecond(created.unwrap_or(now).checked_add(span)?).ok()?;
    Some(format!("{end:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Credentials;
    use serde_json::json;

    /// 2026-01-01T00:00:00Z
    const NOW: i64 = 1_767_225_600_000_000;

    fn import(mode: AuthMode, value: &Value) -> Result<Value, String> {
        let credentials = Credentials::import(mode, value, None, NOW).map_err(|error| error.to_string())?;
        Ok(credentials.to_json(true))
    }

    #[test]
    fn token_response_is_imported() {
        let answer = json!({
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
        assert_eq!(import(AuthMode::OAuth2, &answer), Ok(expect));
        let bearer = json!({ "access_token": "a1", "token_type": "bearer", "scope": "", "expires_in": "60" });
        assert_eq!(import(AuthMode::Bearer, &bearer), Ok(json!({ "type": "BEARER", "access_token": "a1" })));
    }

    #[test]
    fn expiry_counts_from_created_at() {
        let end = |created: Value| {
            let answer = json!({ "access_token": "a1", "expires_in": "3600", "created_at": created });
            import(AuthMode::OAuth2, &answer).unwrap()["expires_at"].clone()
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
        let answer = json!({ "access_token": "a1", "refresh_tokn": "r1", "token_type": "bearer" });
        let error = import(AuthMode::OAuth2, &answer).unwrap_err();
        assert!(error.contains("`refresh_tokn` is not known (did you mean `refresh_token`?)"), "{error}");
        let strict = json!({ "access_token": "a1", "api_domain": "x" });
        assert!(import(AuthMode::OAuth2, &strict).unwrap_err().contains("`api_domain` is not known"));
    }

    #[test]
    fn token_may_come_with_its_scheme() {
        for token in ["Bearer a1", "bearer  a1 ", "a1"] {
            for value in [json!(token), json!({ "access_token": token })] {
                assert_eq!(import(AuthMode::Bearer, &value).unwrap()["access_token"], "a1", "{value}");
            }
        }
        assert_eq!(import(AuthMode::ApiKey, &json!("Bearer a1")).unwrap()["apiKey"], "Bearer a1");
        assert!(import(AuthMode::Bearer, &json!("Bearer ")).unwrap_err().contains("is empty"));
    }
}
