//! OAuth 1 request signatures (RFC 5849).

use base64::{Engine, engine::general_purpose::STANDARD};
use nango_grammar::segment::encoded;
use url::{Url, form_urlencoded};

use super::{hmac_sha1, hmac_sha256};
use crate::provider::OAuth1Method;

/// Parameters of an OAuth 1 signature.
#[derive(Clone, Copy)]
pub(crate) struct OAuth1Signer<'a> {
    /// Signature method.
    pub method: OAuth1Method,
    /// Key and secret of the app.
    pub client: (&'a str, &'a str),
    /// Token and token secret.
    pub token: (&'a str, &'a str),
    /// Realm of the requested resources, if the API requires one.
    pub realm: Option<&'a str>,
    /// Time in seconds since 1970 (UTC).
    pub timestamp: i64,
    /// Text that is used for one request only.
    pub nonce: &'a str,
    /// Whether `oauth_version` is sent, which is optional in the standard.
    pub version: bool,
}

impl OAuth1Signer<'_> {
    /// Returns the value of the header `Authorization`. `form`: the body, if it is a form; other bodies are not signed.
    pub(crate) fn authorization(&self, method: &str, url: &Url, form: &[u8]) -> String {
        let timestamp = self.timestamp.to_string();
        let mut oauth_params = vec![
            ("oauth_consumer_key", self.client.0),
            ("oauth_nonce", self.nonce),
            ("oauth_signature_method", self.signature_method()),
            ("oauth_timestamp", timestamp.as_str()),
            ("oauth_token", self.token.0),
        ];
        if self.version {
            oauth_params.push(("oauth_version", "1.0"));
        }
        let signature = self.signature(method, url, form, &oauth_params);
        oauth_params.push(("oauth_signature", &signature));
        let realm = self.realm.map(|realm| format!("realm=\"{realm}\""));
        let fields = oauth_params.iter().map(|(name, value)| format!("{name}=\"{}\"", encoded(value)));
        format!("OAuth {}", realm.into_iter().chain(fields).collect::<Vec<_>>().join(", "))
    }

    fn signature_method(&self) -> &'static str {
        match self.method {
            OAuth1Method::HmacSha1 => "HMAC-SHA1",
            OAuth1Method::HmacSha256 => "HMAC-SHA256",
            OAuth1Method::Plaintext => "PLAINTEXT",
        }
    }

    fn signature(&self, method: &str, url: &Url, form: &[u8], oauth_params: &[(&str, &str)]) -> String {
        let key = format!("{}&{}", encoded(self.client.1), encoded(self.token.1));
        let text = || base_string(method, url, form, oauth_params);
        match self.method {
            OAuth1Method::Plaintext => key,
            OAuth1Method::HmacSha256 => STANDARD.encode(hmac_sha256(key.as_bytes(), text().as_bytes())),
            OAuth1Method::HmacSha1 => STANDARD.encode(hmac_sha1(key.as_bytes(), text().as_bytes())),
        }
    }
}

/// Returns the signature base string: method, base URL and all parameters in order (RFC 5849, 3.4.1).
fn base_string(method: &str, url: &Url, form: &[u8], oauth_params: &[(&str, &str)]) -> String {
    let mut base_url = url.clone();
    base_url.set_query(None);
    base_url.set_fragment(None);
    let encoded_pairs = |text: &[u8]| {
        let pairs = form_urlencoded::parse(text);
        pairs.map(|(name, value)| (encoded(&name), encoded(&value))).collect::<Vec<_>>()
    };
    let mut pairs = encoded_pairs(url.query().unwrap_or_default().as_bytes());
    pairs.extend(encoded_pairs(form));
    pairs.extend(oauth_params.iter().map(|(name, value)| (encoded(name), encoded(value))));
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let parts = [method, base_url.as_str(), &pairs.join("&")].map(encoded);
    parts.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the example of RFC 5849 (3.1), with the secrets of its erratum 2550.
    fn example() -> OAuth1Signer<'static> {
        OAuth1Signer {
            method: OAuth1Method::HmacSha1,
            client: ("9djdj82h48djs9d2", "j49sk3j29djd"),
            token: ("kkk9d7dh3k39sjv7", "dh893hdasih9"),
            realm: Some("Example"),
            timestamp: 137_131_201,
            nonce: "7d8f3e4a",
            version: false,
        }
    }

    #[test]
    fn signature_matches_rfc5849_example() {
        let url: Url = "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b".parse().unwrap();
        let oauth_params = [
            ("oauth_consumer_key", "9djdj82h48djs9d2"),
            ("oauth_token", "kkk9d7dh3k39sjv7"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131201"),
            ("oauth_nonce", "7d8f3e4a"),
        ];
        assert_eq!(
            base_string("POST", &url, b"c2&a3=2+q", &oauth_params),
            "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540\
             %3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a\
             %26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
        );
        let header = example().authorization("POST", &url, b"c2&a3=2+q");
        assert!(header.starts_with("OAuth realm=\"Example\", oauth_consumer_key=\"9djdj82h48djs9d2\", "), "{header}");
        assert!(header.ends_with("oauth_signature=\"r6%2FTJjbCOr97%2F%2BUU0NsvSne7s5g%3D\""), "{header}");
    }

    #[test]
    fn signature_matches_first_rfc5849_example() {
        let signer = OAuth1Signer {
            client: ("dpf43f3p2l4k3l03", "kd94hf93k423kf44"),
            token: ("nnch734d00sl2jdk", "pfkkdhi9sl3r4s00"),
            realm: Some("Photos"),
            timestamp: 137_131_202,
            nonce: "chapoH",
            ..example()
        };
        let url = "http://photos.example.net/photos?file=vacation.jpg&size=original".parse().unwrap();
        let header = signer.authorization("GET", &url, b"");
        assert!(header.ends_with("oauth_signature=\"MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D\""), "{header}");
    }

    #[test]
    fn hmac_sha256_and_plaintext_are_supported() {
        let url: Url = "https://h.test/a".parse().unwrap();
        let plain = OAuth1Signer { method: OAuth1Method::Plaintext, realm: None, version: true, ..example() };
        let header = plain.authorization("GET", &url, b"");
        assert!(header.contains("oauth_signature_method=\"PLAINTEXT\", ") && header.contains("oauth_version=\"1.0\""));
        assert!(header.ends_with("oauth_signature=\"j49sk3j29djd%26dh893hdasih9\""), "{header}");
        let long = OAuth1Signer { method: OAuth1Method::HmacSha256, ..example() };
        assert!(long.authorization("GET", &url, b"").contains("HMAC-SHA256"));
    }
}
