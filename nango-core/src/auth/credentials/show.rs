//! What of credentials may be seen.

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::Credentials;
use crate::http::is_secret_name;

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
    let shown = credentials.parts().iter().filter(|(key, _)| *key != super::CONFIG).map(|(key, value)| {
        let value = if show(key) { value.clone() } else { Value::String("***".to_owned()) };
        (key.clone(), value)
    });
    shown.collect()
}

/// A text in which no part of the credentials can be read: servers like to repeat what they were sent.
pub(super) fn without_secrets(credentials: &Credentials, text: &str) -> String {
    secrets(credentials).into_iter().fold(text.to_owned(), |text, secret| hide(&text, secret))
}

/// The texts that must not be seen, long ones first, so that no rest of one is left because it holds another.
pub(super) fn secrets(credentials: &Credentials) -> Vec<&str> {
    let mut secrets = Vec::new();
    let hidden = credentials.parts().iter().filter(|(key, _)| !PLAIN.contains(&key.as_str()));
    for (key, value) in hidden {
        // Of a whole answer only what is named like a secret: the rest are words such as `bearer`.
        collect(value, key != "raw", &mut secrets);
    }
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

/// A text with `***` for a secret, also where it is written as in a URL. One or two characters are no secret: hiding them
/// would hide everything.
pub(crate) fn hide(text: &str, secret: &str) -> String {
    if secret.len() < 3 {
        return text.to_owned();
    }
    let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    text.replace(secret, "***").replace(&encoded, "***")
}

fn collect<'a>(value: &'a Value, all: bool, secrets: &mut Vec<&'a str>) {
    match value {
        Value::String(text) if all => secrets.push(text),
        Value::Array(list) => list.iter().for_each(|value| collect(value, all, secrets)),
        Value::Object(object) => {
            object.iter().for_each(|(key, value)| collect(value, all || is_secret_name(key), secrets));
        }
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
