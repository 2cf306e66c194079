//! Search patterns: the encodings in which a server may repeat a secret.
//!
//! Percent-encoding, form encoding, JSON and HTML escapes are decoded by [`views`](super::views) before the search, in
//! any combination. The remaining patterns are the secret itself, its decoded form (a secret may look encoded), `+` for
//! a space as in forms, and base64.

use std::iter::successors;

use base64::{
    Engine, alphabet,
    engine::general_purpose::{GeneralPurpose, NO_PAD, PAD},
};
use zeroize::Zeroizing;

use super::views;

/// Shorter secrets are not redacted: they would match almost everywhere.
pub(super) const MIN_SECRET_BYTES: usize = 3;
/// Minimum number of characters of base64 that identify a secret inside a longer base64 text.
const MIN_BASE64_CORE: usize = 6;
/// A line of a multi-line secret, such as a PEM key, is redacted on its own from this length on.
const MIN_LINE_BYTES: usize = 24;

/// A sequence of bytes to search for.
pub(super) struct SearchPattern {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Whether the base64 text around a match is redacted with it.
    pub(super) base64: bool,
}

/// Returns the search patterns of a secret.
pub(super) fn secret_patterns(secret: &str) -> Vec<SearchPattern> {
    let mut patterns = Vec::new();
    let mut plain = |text: &str| {
        if text.len() >= MIN_SECRET_BYTES {
            push(&mut patterns, text.as_bytes().to_vec(), false);
        }
    };
    plain(secret);
    let trimmed = secret.trim();
    plain(trimmed);
    let spaced = Zeroizing::new(secret.replace(' ', "+"));
    plain(&spaced);
    if secret.lines().nth(1).is_some() {
        secret
            .lines()
            .map(str::trim)
            .filter(|line| line.len() >= MIN_LINE_BYTES && !line.starts_with("-----"))
            .for_each(&mut plain);
    }
    // A secret that looks encoded is decoded together with the text around it.
    for decoded in successors(views::decoded(secret.as_bytes()), |text| views::decoded(text)).take(views::MAX_LAYERS) {
        if decoded.len() >= MIN_SECRET_BYTES {
            push(&mut patterns, decoded.to_vec(), false);
        }
    }
    push_base64(secret, &mut patterns);
    patterns
}

/// Returns the search patterns of `user:password` as HTTP basic authentication sends it. The password alone is a
/// separate secret.
pub(super) fn basic_auth_patterns(user: &str, password: &str) -> Vec<SearchPattern> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    let mut patterns = Vec::new();
    push_base64(&pair, &mut patterns);
    patterns
}

fn push_base64(secret: &str, patterns: &mut Vec<SearchPattern>) {
    if secret.len() < MIN_SECRET_BYTES {
        return;
    }
    for alphabet in [&alphabet::STANDARD, &alphabet::URL_SAFE] {
        for config in [PAD, NO_PAD] {
            push(patterns, GeneralPurpose::new(alphabet, config).encode(secret).into_bytes(), true);
        }
        // In a longer text, the secret begins at one of three offsets in a base64 group. The pattern has only the
        // characters that do not depend on the text around the secret.
        let engine = GeneralPurpose::new(alphabet, NO_PAD);
        for offset in 0..3_usize {
            let mut shifted = Zeroizing::new(vec![0_u8; offset]);
            shifted.extend_from_slice(secret.as_bytes());
            let text = Zeroizing::new(engine.encode(&*shifted));
            let core = text.as_bytes().get((offset * 8).div_ceil(6)..shifted.len() * 8 / 6).unwrap_or_default();
            if core.len() >= MIN_BASE64_CORE {
                push(patterns, core.to_vec(), true);
            }
        }
    }
}

fn push(patterns: &mut Vec<SearchPattern>, bytes: Vec<u8>, base64: bool) {
    let bytes = Zeroizing::new(bytes);
    if !patterns.iter().any(|pattern| pattern.bytes == bytes) {
        patterns.push(SearchPattern { bytes, base64 });
    }
}
