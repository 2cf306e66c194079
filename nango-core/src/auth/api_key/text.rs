//! The text of API keys and of other secrets that this program creates: a prefix, 43 random characters (256 bits) and a
//! checksum of 6.
//!
//! The checksum is no secret. It distinguishes a mistyped or truncated key from an unknown one without a database, and
//! lets tools that search for published secrets find keys without false alarms. Keys are stored by their hash; a fast
//! hash is sufficient, because 2^256 keys cannot be tried.

use zeroize::Zeroizing;

use crate::auth::{KeyError, Secret, keyring::fill_random};

/// Beginning of every API key.
pub(crate) const API_KEY_PREFIX: &str = "nango_";
/// Shortest text that may be used as a key if the user chose it.
const CHOSEN_KEY_CHARS: usize = 32;
/// Number of random characters. 62^43 is more than 2^256.
const RANDOM_CHARS: usize = 43;
/// Number of characters of the checksum. 62^6 is more than 2^32.
const CHECKSUM_CHARS: usize = 6;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Bytes from here on are drawn again, so that each digit is equally probable.
const REJECTED_FROM: u8 = 248;

/// Error of a text that cannot be an API key. Does not contain the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidApiKey {
    /// The text begins like a key of this program, but its length, a character or the checksum is wrong.
    #[error(
        "it begins with `nango_` like a created key, but it is mistyped or truncated: copy it again, or create another"
    )]
    Mistyped,
    /// A text that the user chose is too short.
    #[error("it has {0} characters; it must have at least 32, or be a created key")]
    TooShort(usize),
    /// The text cannot be sent in a header.
    #[error("it has a space, a control character or a character that is not ASCII, which a header cannot contain")]
    Characters,
}

/// Creates a secret text that begins with `prefix`.
///
/// # Errors
///
/// Fails if the random number generator of the system failed.
pub(crate) fn random_text(prefix: &str) -> Result<Secret, KeyError> {
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + RANDOM_CHARS + CHECKSUM_CHARS));
    text.push_str(prefix);
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < prefix.len() + RANDOM_CHARS {
        fill_random(&mut *bytes)?;
        let missing = prefix.len() + RANDOM_CHARS - text.len();
        let accepted = bytes.iter().filter(|byte| **byte < REJECTED_FROM).take(missing);
        text.extend(accepted.map(|byte| char::from(DIGITS[usize::from(*byte) % DIGITS.len()])));
    }
    let checksum = checksum(&text);
    text.extend(checksum.map(char::from));
    Ok(Secret::new(text.as_str()))
}

/// Returns whether the text has the form of an API key that this program creates, with the right checksum.
pub(crate) fn is_created_key(text: &str) -> bool {
    let Some((body, end)) = text.len().checked_sub(CHECKSUM_CHARS).and_then(|at| text.split_at_checked(at)) else {
        return false;
    };
    let Some(random) = body.strip_prefix(API_KEY_PREFIX) else { return false };
    random.len() == RANDOM_CHARS && random.bytes().all(|c| DIGITS.contains(&c)) && end.as_bytes() == checksum(body)
}

/// Checks a text that the user set as a key: a created one, or any of at least 32 characters.
///
/// # Errors
///
/// Fails if the text is mistyped, too short, or cannot be sent in a header.
pub(crate) fn check_given_key(text: &str) -> Result<(), InvalidApiKey> {
    if !text.bytes().all(|c| c.is_ascii_graphic()) {
        return Err(InvalidApiKey::Characters);
    }
    if text.starts_with(API_KEY_PREFIX) && !is_created_key(text) {
        return Err(InvalidApiKey::Mistyped);
    }
    if text.len() < CHOSEN_KEY_CHARS {
        return Err(InvalidApiKey::TooShort(text.len()));
    }
    Ok(())
}

/// Returns the hash of a key, which is stored in place of the key.
pub(crate) fn hash_key(text: &str) -> [u8; 32] {
    blake3::derive_key("nango 2026 hash of an API key", text.as_bytes())
}

fn checksum(body: &str) -> [u8; CHECKSUM_CHARS] {
    let hash = blake3::derive_key("nango 2026 checksum of a secret text", body.as_bytes());
    let mut number = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    let mut digits = [0; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::Lines;

    #[test]
    fn created_keys_are_recognized_and_all_different() {
        let keys: std::collections::BTreeSet<String> =
            (0..1_000).map(|_| random_text(API_KEY_PREFIX).unwrap().expose().to_owned()).collect();
        assert_eq!(keys.len(), 1_000);
        for key in &keys {
            assert_eq!((key.len(), check_given_key(key), is_created_key(key)), (55, Ok(()), true));
        }
        // Each digit occurs: 43,000 random ones.
        let random: String = keys.iter().map(|key| &key[6..49]).collect();
        assert!(DIGITS.iter().all(|digit| random.bytes().filter(|c| c == digit).count() > 500));
    }

    #[test]
    fn key_with_one_wrong_character_is_mistyped() {
        let key = random_text(API_KEY_PREFIX).unwrap();
        let key = key.expose();
        for at in API_KEY_PREFIX.len()..key.len() {
            let other = if key.as_bytes()[at] == b'a' { "b" } else { "a" };
            let wrong = format!("{}{other}{}", &key[..at], &key[at + 1..]);
            assert_eq!(check_given_key(&wrong), Err(InvalidApiKey::Mistyped), "{at}");
        }
        for wrong in [&key[..54], &format!("{key}0"), "nango_", "nango_signing_0123456789012345678901234567890"] {
            assert_eq!(check_given_key(wrong), Err(InvalidApiKey::Mistyped));
            assert!(!is_created_key(wrong));
        }
        assert!(["", "a", &key[6..], "äöüäöü", "nango_ä"].iter().all(|text| !is_created_key(text)));
        assert!(!is_created_key(random_text("nango_signing_").unwrap().expose()));
    }

    #[test]
    fn chosen_key_needs_32_characters_of_a_header() {
        assert_eq!(check_given_key("8f14e45f-ceea-467f-9d1c-6b1d2a3c4e5f"), Ok(()));
        assert_eq!(check_given_key(&"x".repeat(32)), Ok(()));
        assert_eq!(check_given_key(&"x".repeat(31)), Err(InvalidApiKey::TooShort(31)));
        assert_eq!(check_given_key(""), Err(InvalidApiKey::TooShort(0)));
        for wrong in ["\n", " ", "\0", "é"] {
            assert_eq!(check_given_key(&"x".repeat(40).replace("xx", wrong)), Err(InvalidApiKey::Characters));
        }
        assert_eq!(InvalidApiKey::TooShort(3).to_string().split(';').next(), Some("it has 3 characters"));
    }

    #[test]
    fn checksums_and_hashes_of_keys_are_frozen() {
        let body = "nango_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg";
        let key = format!("{body}3SUmWy");
        assert!(is_created_key(&key));
        let mut lines = Lines::default();
        lines.bytes("hash of an API key", &hash_key(&key));
        lines.check("api_keys.txt");
    }
}
