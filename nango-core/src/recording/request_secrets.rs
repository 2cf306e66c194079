//! Secrets of one request that a server can repeat: signatures, nonces and signed tokens, which are made anew for each
//! request.

use zeroize::Zeroizing;

use crate::{
    http::{OutgoingRequest, request_secrets},
    redact::Redactor,
};

/// Minimum length of a part of a header that is treated as a secret, in bytes. Shorter ones are names of algorithms,
/// realms and times.
const MIN_PART: usize = 16;
/// Minimum length of a whole value that is treated as a secret, in bytes. A shorter one, such as that of `key=status`,
/// would be replaced wherever the response has the same letters.
const MIN_VALUE: usize = 8;

/// Returns a redactor of the secrets of a request that `known` does not have.
pub(super) fn of_request(request: &OutgoingRequest, known: &Redactor) -> Redactor {
    let redactor = Redactor::default();
    let mut add = |secret: &str| {
        if matches!(known.hide(secret), std::borrow::Cow::Borrowed(_)) {
            redactor.add(Zeroizing::new(secret.to_owned()));
        }
    };
    for secret in request_secrets(&request.url, &request.headers) {
        if secret.len() >= MIN_VALUE {
            add(&secret);
        }
        for part in secret.split([' ', ',', ';']) {
            let value = part.split_once('=').map_or(part, |(_, value)| value).trim_matches('"');
            [part, value].into_iter().filter(|text| text.len() >= MIN_PART).for_each(&mut add);
        }
    }
    redactor
}

#[cfg(test)]
mod tests {
    use reqwest::{Method, header::HeaderValue};

    use super::*;

    #[test]
    fn parts_of_a_signature_are_secrets() {
        let url = "https://h.test/?sig=q1w2e3r4t5z6&key=status".parse().unwrap();
        let mut request = OutgoingRequest::new(Method::GET, url);
        let signed = "OAuth oauth_consumer_key=\"the-known-key-of-the-app\", oauth_nonce=\"0123456789abcdef01\", \
                      oauth_signature=\"AbCdEfGhIjKlMnOpQrSt%3D\", oauth_version=\"1.0\"";
        request.headers.insert("authorization", HeaderValue::from_static(signed));
        let known = Redactor::new([Zeroizing::new("the-known-key-of-the-app".to_owned())]);
        let found = of_request(&request, &known);
        for (text, expect) in [
            ("AbCdEfGhIjKlMnOpQrSt=", "***"),
            ("0123456789abcdef01", "***"),
            ("q1w2e3r4t5z6", "***"),
            ("oauth_version 1.0, status", "oauth_version 1.0, status"),
            ("the-known-key-of-the-app", "the-known-key-of-the-app"),
        ] {
            assert_eq!(found.hide(text), expect);
        }
    }
}
