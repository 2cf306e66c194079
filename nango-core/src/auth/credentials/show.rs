//! What of credentials may be seen.

use serde_json::{Map, Value};

use super::Credentials;

/// Parts that name somebody or something, and open nothing.
const PLAIN: [&str; 11] = [
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

/// The parts with `***` for what is secret. A user name is shown, except where it stands alone: then it is a key.
pub(super) fn hidden(credentials: &Credentials) -> Map<String, Value> {
    let alone = credentials.text("password").is_none();
    let show = |key: &str| PLAIN.contains(&key) || (key == "username" && !alone);
    let shown = credentials.parts().iter().map(|(key, value)| {
        let value = if show(key) { value.clone() } else { Value::String("***".to_owned()) };
        (key.clone(), value)
    });
    shown.collect()
}

/// A text in which no part of the credentials can be read: servers like to repeat what they were sent.
pub(super) fn without_secrets(credentials: &Credentials, text: &str) -> String {
    let mut secrets = Vec::new();
    let hidden = credentials.parts().iter().filter(|(key, _)| !PLAIN.contains(&key.as_str()));
    hidden.for_each(|(_, value)| collect(value, &mut secrets));
    // Long ones first, so that no rest of one is left because it holds another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
}

fn collect<'a>(value: &'a Value, secrets: &mut Vec<&'a str>) {
    match value {
        Value::String(text) if text.len() > 1 => secrets.push(text),
        Value::Array(list) => list.iter().for_each(|value| collect(value, secrets)),
        Value::Object(object) => object.values().for_each(|value| collect(value, secrets)),
        _ => {}
    }
}

/// Takes refresh tokens out, at any depth.
pub(super) fn drop_refresh_tokens(object: &mut Map<String, Value>) {
    object.retain(|key, _| !is_refresh_token(key));
    object.values_mut().for_each(dropped);
}

fn dropped(value: &mut Value) {
    match value {
        Value::Object(object) => drop_refresh_tokens(object),
        Value::Array(list) => list.iter_mut().for_each(dropped),
        _ => {}
    }
}

/// `refresh_token`, `refreshToken`, `RefreshToken` …
fn is_refresh_token(key: &str) -> bool {
    let letters = key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
    letters.eq("refreshtoken".chars())
}
