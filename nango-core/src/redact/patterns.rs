//! The forms in which a server may repeat a secret.
//!
//! Percent-encoding, form encoding, JSON and HTML escapes are undone by [`views`](super::views) before the search, in
//! any mixture. What is left are the secret itself, its decoded form (a secret may look encoded), a form's `+` for a
//! blank, and base64.

use std::iter::successors;

use base64::{
    Engine, alphabet,
    engine::general_purpose::{GeneralPurpose, NO_PAD, PAD},
};
use zeroize::Zeroizing;

use super::views;

/// A secret of fewer bytes is not hidden: it would hide everything.
pub(super) const MIN_SECRET_BYTES: usize = 3;
/// The fewest characters of base64 that identify a secret inside a longer base64 text.
const MIN_BASE64_CORE: usize = 6;
/// A line of a multi-line secret, such as a PEM key, is a secret of its own from this length on.
const MIN_LINE_BYTES: usize = 24;

/// A sequence of bytes to search for.
pub(super) struct SearchPattern {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Whether the whole base64 text around it is hidden with it.
    pub(super) base64: bool,
}

/// The forms of a secret.
pub(super) fn secret_patterns(secret: &str) -> Vec<SearchPattern> {
    let mut forms = Vec::new();
    let mut plain = |text: &str| {
        if text.len() >= MIN_SECRET_BYTES {
            push(&mut forms, text.as_bytes().to_vec(), false);
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
    // A secret that looks encoded is decoded with the text around it.
    for decoded in successors(views::decoded(secret.as_bytes()), |text| views::decoded(text)).take(views::MAX_LAYERS) {
        if decoded.len() >= MIN_SECRET_BYTES {
            push(&mut forms, decoded.to_vec(), false);
        }
    }
    push_base64(secret, &mut forms);
    forms
}

/// The forms of `user:password` as basic authentication sends them. The password is a secret of its own.
pub(super) fn basic_auth_patterns(user: &str, password: &str) -> Vec<SearchPattern> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    let mut forms = Vec::new();
    push_base64(&pair, &mut forms);
    forms
}

fn push_base64(secret: &str, forms: &mut Vec<SearchPattern>) {
    if secret.len() < MIN_SECRET_BYTES {
        return;
    }
    for alphabet in [&alphabet::STANDARD, &alphabet::URL_SAFE] {
        for config in [PAD, NO_PAD] {
            push(forms, GeneralPurpose::new(alphabet, config).encode(secret).into_bytes(), true);
        }
        // Inside a longer text the secret begins at one of three positions of a group; only the characters that depend
        // on the secret alone are searched for.
        let engine = GeneralPurpose::new(alphabet, NO_PAD);
        for offset in 0..3_usize {
            let mut shifted = Zeroizing::new(vec![0_u8; offset]);
            shifted.extend_from_slice(secret.as_bytes());
            let text = Zeroizing::new(engine.encode(&*shifted));
            let core = text.as_bytes().get((offset * 8).div_ceil(6)..shifted.len() * 8 / 6).unwrap_or_default();
            if core.len() >= MIN_BASE64_CORE {
                push(forms, core.to_vec(), true);
            }
        }
    }
}

fn push(forms: &mut Vec<SearchPattern>, bytes: Vec<u8>, base64: bool) {
    let bytes = Zeroizing::new(bytes);
    if !forms.iter().any(|form| form.bytes == bytes) {
        forms.push(SearchPattern { bytes, base64 });
    }
}
