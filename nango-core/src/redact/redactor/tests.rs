use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use proptest::prelude::*;
use serde_json::json;
use url::form_urlencoded;

use super::*;

fn redactor(secrets: &[&str]) -> Redactor {
    Redactor::new(secrets.iter().map(|secret| Zeroizing::new((*secret).to_owned())))
}

fn percent(text: &str, upper: bool) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte if upper => format!("%{byte:02X}"),
        byte => format!("%{byte:02x}"),
    };
    text.bytes().map(encode).collect()
}

fn all_escaped(text: &str) -> String {
    text.encode_utf16().fold(String::new(), |text, unit| text + &format!("\\u{unit:04x}"))
}

/// Every supported encoding of a secret, and combinations of them.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).unwrap();
    let json = &json[1..json.len() - 1];
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('/', "&#x2F;");
    let pair = format!("user:{secret}");
    vec![
        secret.to_owned(),
        percent(secret, true),
        percent(secret, false),
        percent(&percent(secret, true), false),
        form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        json.to_owned(),
        json.replace('/', "\\/"),
        json.replace('\\', "\\\\").replace('"', "\\\""),
        all_escaped(secret),
        html,
        STANDARD.encode(secret),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        STANDARD.encode(&pair),
        URL_SAFE_NO_PAD.encode(&pair),
        percent(&STANDARD.encode(&pair), false),
        STANDARD.encode(&pair).replace('/', "\\/"),
    ]
}

#[test]
fn every_form_of_a_secret_is_hidden() {
    for secret in ["HUSHTOKEN-abc/+=def", "p\"w\\d é😀&<x>", "50%2Foff", "a b+c", "line\\u0041one", "abcd", "&amp;x"]
    {
        let redactor = redactor(&[secret]);
        redactor.add_basic_auth("user", Zeroizing::new(secret.to_owned()));
        for form in forms(secret) {
            let text = format!("before {form} after");
            assert_eq!(redactor.hide(&text), "before *** after", "{secret}: {form}");
        }
    }
}

#[test]
fn base64_of_a_longer_text_is_hidden_as_a_whole() {
    let redactor = redactor(&["HUSH-secret"]);
    for before in ["", "a", "ab", "client-id:"] {
        let text = format!("Basic {}, again", STANDARD.encode(format!("{before}HUSH-secret and more")));
        assert_eq!(redactor.hide(&text), "Basic ***, again", "{before}");
    }
}

#[test]
fn lines_of_a_private_key_are_hidden() {
    let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n\
               -----END PRIVATE KEY-----\n";
    let redactor = redactor(&[key]);
    assert_eq!(redactor.hide(&format!("bad key {}", key.replace('\n', "\\n"))), "bad key ***");
    assert_eq!(redactor.hide("cannot read MIIEvQIBADANBgkqhkiG9w0BAQEF!"), "cannot read ***!");
}

#[test]
fn adjacent_secrets_become_one_mask_and_short_ones_stay() {
    let redactor = redactor(&["hush", "hush-hush", "ab", "other"]);
    assert_eq!(redactor.hide("x hush-hush y hushother ab"), "x *** y *** ab");
    assert!(redactor.hide_bytes(b"nothing here").is_none());
    assert!(!format!("{redactor:?}").contains("hush"));
    assert_eq!(Redactor::default().hide("hush"), "hush");
}

#[test]
fn later_token_is_hidden_by_every_clone() {
    let redactor = redactor(&["first-token"]);
    let (clone, detached) = (redactor.clone(), redactor.detached());
    assert_eq!(clone.hide("second-token"), "second-token");
    redactor.add(Zeroizing::new("second-token".to_owned()));
    assert_eq!((clone.hide("second-token"), detached.hide("second-token")), ("***".into(), "second-token".into()));
    assert_eq!(detached.hide("first-token"), "***");
}

#[test]
fn values_headers_and_urls_are_redacted() {
    let redactor = redactor(&["hush/1", "123456"]);
    let value = json!({ "a": ["x hush\\/1", 123_456, 7], "k hush/1": null });
    assert_eq!(redactor.hide_value(value), json!({ "a": ["x ***", "***", 7], "k ***": null }));
    let headers = HeaderMap::from_iter([(reqwest::header::SERVER, HeaderValue::from_static("s hush%2f1"))]);
    assert_eq!(redactor.hide_headers(headers)["server"], "s ***");
    let check = |url: &str, expect: &str| assert_eq!(redactor.hide_url(url.parse().unwrap()).as_str(), expect);
    check("https://h.test/bothush%2F1/x?api=hush/1", "https://h.test/bot***/x?api=***");
    check("https://h.test/bothush%2f1/x", "https://h.test/bot***/x");
    check("https://h.test/a?b=%20x", "https://h.test/a?b=%20x");
    check("https://123456.h.test/a", "https://***.h.test/a");
}

proptest! {
    #[test]
    fn redacted_text_contains_no_form_of_any_secret(
        secret in "\\PC{3,40}",
        before in "\\PC{0,8}",
        after in "\\PC{0,8}",
    ) {
        prop_assume!(!"***".contains(&secret));
        let redactor = redactor(&[&secret]);
        redactor.add_basic_auth("user", Zeroizing::new(secret.clone()));
        for form in forms(&secret) {
            let shown = redactor.hide(&format!("{before} {form} {after}")).into_owned();
            prop_assert!(!shown.contains(&form) || "***".contains(form.as_str()), "{form:?} in {shown:?}");
        }
    }

    #[test]
    fn redaction_of_any_text_never_panics(secret in ".{3,8}", text in ".{0,64}|[%\\\\&u0-9a-f;#x]{0,64}") {
        let _ = redactor(&[&secret]).hide(&text);
    }
}
