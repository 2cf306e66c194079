//! Secret and non-secret parts of credentials.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::Credentials;
use crate::redact::is_secret_name;

/// Keys with identifiers that grant no access.
const NON_SECRET_PARTS: [&str; 11] = [
    "client_id",
    "clientId",
    "expires_at",
    "app_id",
    "installation_id",
    "role_arn",
    "region",
    "service",
    "organization_id",
    "token_id",
    "user_id",
];

/// Shortest secret half of an `id:secret` key that is redacted on its own, in bytes.
const MIN_SECRET_HALF: usize = 8;

/// Returns the values with `***` for secrets. A user name is shown unless there is no password: then it is a key.
pub(super) fn redacted_fields(credentials: &Credentials) -> Map<String, Value> {
    let alone = credentials.text("password").is_none();
    let show = |key: &str| !is_secret_part(key, alone);
    let shown = credentials.parts_without_config().map(|(key, value)| {
        let value = if show(key) { value.clone() } else { Value::String("***".to_owned()) };
        (key.clone(), value)
    });
    shown.collect()
}

/// Returns whether a value of credentials is secret. `alone`: there is no password, so a user name is a key.
pub(super) fn is_secret_part(key: &str, alone: bool) -> bool {
    !NON_SECRET_PARTS.contains(&key) && (key != "username" || alone)
}

/// Returns the texts that must be redacted.
pub(super) fn secrets(credentials: &Credentials) -> Vec<Zeroizing<String>> {
    let mut secrets = Vec::new();
    let hidden = credentials.parts().iter().filter(|(key, _)| !NON_SECRET_PARTS.contains(&key.as_str()));
    for (key, value) in hidden {
        // Of a complete response, only keys named like a secret: other values are words such as `bearer`.
        collect_secrets(value, key != "raw", &mut secrets);
    }
    secrets
}

/// Collects the texts and numbers of a value: all of them, or only those whose key is named like a secret. The secret
/// half of a text such as `id:secret` is added separately.
pub(crate) fn collect_secrets(value: &Value, all: bool, secrets: &mut Vec<Zeroizing<String>>) {
    match value {
        Value::String(text) if all => {
            secrets.push(Zeroizing::new(text.clone()));
            if let Some((_, half)) = text.split_once(':').filter(|(_, half)| half.len() >= MIN_SECRET_HALF) {
                secrets.push(Zeroizing::new(half.to_owned()));
            }
        }
        Value::Number(number) if all => secrets.push(Zeroizing::new(number.to_string())),
        Value::Array(list) => list.iter().for_each(|value| collect_secrets(value, all, secrets)),
        Value::Object(object) => {
            object.iter().for_each(|(key, value)| collect_secrets(value, all || is_secret_name(key), secrets));
        }
        _ => {}
    }
}

/// Removes refresh tokens at any depth.
pub(super) fn drop_refresh_tokens(object: &mut Map<String, Value>) {
    object.retain(|key, _| !is_refresh_token(key));
    object.values_mut().for_each(drop_in_value);
}

fn drop_in_value(value: &mut Value) {
    match value {
        Value::Object(object) => drop_refresh_tokens(object),
        Value::Array(list) => list.iter_mut().for_each(drop_in_value),
        _ => {}
    }
}

/// Returns whether a key names a refresh token: `refresh_token`, `refreshToken`, `RefreshToken` and similar.
fn is_refresh_token(key: &str) -> bool {
    let letters = key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
    letters.eq("refreshtoken".chars())
}
