//! Names whose values are treated as secrets, and URLs with user information.

use url::Url;

/// Parts of names whose values are secrets, in lower case.
const SECRET_PARTS: [&str; 12] = [
    "auth",
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "credential",
    "signature",
    "session",
    "cookie",
    "jwt",
    "apikey",
];
/// Words of names whose values are secrets, in lower case.
const SECRET_WORDS: [&str; 6] = ["key", "keys", "sig", "pwd", "pin", "otp"];
/// Names with the word `key` whose values are not secret: they identify or order something.
const NON_SECRET_KEYS: [&str; 10] = [
    "idempotency-key",
    "sec-websocket-key",
    "surrogate-key",
    "sort_key",
    "sortkey",
    "primary_key",
    "foreign_key",
    "partition_key",
    "project_key",
    "public_key",
];
/// Query parameters that look like secrets but are cursors of paginated lists and positions of feeds.
const NON_SECRET_TOKENS: [&str; 18] = [
    "page_token",
    "pagetoken",
    "next_token",
    "nexttoken",
    "next_page_token",
    "nextpagetoken",
    "continuation_token",
    "continuationtoken",
    "sync_token",
    "synctoken",
    "next_sync_token",
    "nextsynctoken",
    "delta_token",
    "deltatoken",
    "$deltatoken",
    "skip_token",
    "skiptoken",
    "$skiptoken",
];

/// Returns whether a URL has a user or a password before its host.
pub(crate) fn has_userinfo(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Returns whether the value of a header, parameter or setting of this name is treated as a secret.
///
/// A name is only a hint, so the rule redacts too much rather than too little. `key` counts as a word
/// (`x-api-keys`, `api_key_2`, `apiKey`) and at the end of a name (`subscriptionkey`).
pub(crate) fn is_secret_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    if NON_SECRET_TOKENS.contains(&lower.as_str()) || NON_SECRET_KEYS.contains(&lower.as_str()) {
        return false;
    }
    // `author` is not secret, but contains `auth`.
    let lower =
        if lower.contains("author") && !lower.contains("authori") { lower.replace("author", "") } else { lower };
    lower.ends_with("key") || SECRET_PARTS.iter().any(|part| lower.contains(part)) || has_secret_word(name.as_bytes())
}

/// Returns whether one of the words of a name denotes a secret. Words end at every character that is not a letter, and
/// where an upper-case letter follows a lower-case one. Does not allocate, because it runs for each header of each
/// request.
fn has_secret_word(name: &[u8]) -> bool {
    let is_secret = |word: &[u8]| SECRET_WORDS.iter().any(|secret| word.eq_ignore_ascii_case(secret.as_bytes()));
    let mut start = 0;
    for (at, byte) in name.iter().enumerate() {
        let is_camel_case = byte.is_ascii_uppercase() && at > start && name[at - 1].is_ascii_lowercase();
        if is_camel_case || !byte.is_ascii_alphabetic() {
            if is_secret(&name[start..at]) {
                return true;
            }
            start = if is_camel_case { at } else { at + 1 };
        }
    }
    is_secret(&name[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_secret_when_it_contains_a_word_for_secrets() {
        for name in [
            "Authorization",
            "X-Api-Key",
            "cookie",
            "private-token",
            "apiKey",
            "access_token",
            "dd-api-key",
            "sig",
            "x-api-keys",
            "api_key_2",
            "x-key-id",
            "apiKeyId",
            "subscriptionkey",
            "oauth_client_secret_override",
            "dbPassword",
            "pwd",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "accept",
            "user-agent",
            "page_token",
            "syncToken",
            "$deltatoken",
            "Idempotency-Key",
            "per_page",
            "keyword",
            "keyboard",
            "author",
            "authored_by",
            "primary_key",
            "shipping",
            "hostname",
            "subdomain",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
