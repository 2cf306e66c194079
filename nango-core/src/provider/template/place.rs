//! Where in a URL a value stands, and what it may be there.
//!
//! A value must not choose more than its place. Between the dots of a host it is a plain name; in a path or a query it is
//! encoded. Where the whole host is a value, or the whole URL, that value's owner decides where requests go.

use std::borrow::Cow;

use url::form_urlencoded;

use crate::declare::push_encoded;

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At the beginning: the value brings the whole URL up to here.
    Start,
    /// Right behind `https://`, and the host ends with it: the value brings host, port and the begin of the path.
    Authority,
    /// A part of the host.
    Host,
    /// Behind the colon of the host.
    Port,
    /// A segment of the path.
    Path,
    /// The query.
    Query,
}

/// Why a value must not stand where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misplaced {
    Host,
    Authority,
    Port,
    Dots,
}

impl Misplaced {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Host => "stands in the host of its URL: it must be a plain name such as `acme` or `acme.example.com`",
            Self::Authority => {
                "is the host of its URL: it must be one, such as `acme.example.com`, `acme.example.com:8443` or \
                 `acme.example.com/path`"
            }
            Self::Port => "is the port of its URL: it must be a number up to 65535",
            Self::Dots => "stands in the path of its URL, which must not be left by `.` or `..`",
        }
    }
}

/// The place of a value between what precedes and what follows it. `after` is `None` where another value follows.
pub(super) fn place(before: &str, after: Option<&str>) -> Place {
    let Some((_, rest)) = before.split_once("://") else {
        return if before.is_empty() {
            Place::Start
        } else if before.contains('?') {
            Place::Query
        } else {
            Place::Path
        };
    };
    if rest.contains(['?', '#']) {
        Place::Query
    } else if rest.contains('/') {
        Place::Path
    } else if rest.is_empty() && after.is_some_and(|after| after.is_empty() || after.starts_with(['/', '?', '#'])) {
        Place::Authority
    } else if rest.ends_with(':') {
        Place::Port
    } else {
        Place::Host
    }
}

impl Place {
    /// The value as it stands there.
    pub(super) fn put<'a>(self, value: &'a str, before: &str) -> Result<Cow<'a, str>, Misplaced> {
        match self {
            Self::Start => Ok(Cow::Borrowed(value.trim_end_matches('/'))),
            Self::Authority => authority(value, before).map(Cow::Borrowed).ok_or(Misplaced::Authority),
            Self::Host if is_host(value) => Ok(Cow::Borrowed(value)),
            Self::Host => Err(Misplaced::Host),
            Self::Port if is_port(value) => Ok(Cow::Borrowed(value)),
            Self::Port => Err(Misplaced::Port),
            Self::Path if matches!(value, "." | "..") => Err(Misplaced::Dots),
            Self::Path => Ok(Cow::Owned(encode_segment(value))),
            Self::Query => Ok(Cow::Owned(form_urlencoded::byte_serialize(value.as_bytes()).collect())),
        }
    }
}

/// `host`, `host:port`, `host/path`; a scheme in front is passed over if it is the one that stands there already, because
/// people paste the address of their browser.
fn authority<'a>(value: &'a str, before: &str) -> Option<&'a str> {
    let value = value.strip_prefix(before).unwrap_or(value).trim_end_matches('/');
    let (authority, path) = value.split_once('/').map_or((value, None), |(host, path)| (host, Some(path)));
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let plain = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
    };
    let fits = is_host(host) && port.is_none_or(is_port) && path.is_none_or(|path| path.split('/').all(plain));
    fits.then_some(value)
}

fn is_port(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit()) && value.parse::<u16>().is_ok()
}

fn is_host(value: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    value.split('.').all(label)
}

/// A segment as RFC 3986 has it: everything but letters, digits and `-_.~` is encoded.
pub(in crate::provider) fn encode_segment(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    push_encoded(&mut text, value);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        assert_eq!(place("", Some("/v1")), Place::Start);
        assert_eq!(place("https://", Some("/v1")), Place::Authority);
        assert_eq!(place("https://", Some("")), Place::Authority);
        assert_eq!(place("https://", None), Place::Host);
        assert_eq!(place("https://", Some(".h.test")), Place::Host);
        assert_eq!(place("https://h.test:", Some("")), Place::Port);
        assert_eq!(place("https://h.test/", Some("")), Place::Path);
        assert_eq!(place("https://h.test?a=", Some("")), Place::Query);
        assert_eq!(place("/v1/", Some("")), Place::Path);
        assert_eq!(place("v1?key=", Some("")), Place::Query);
    }

    #[test]
    fn a_whole_host() {
        for good in ["a", "a.b-c.test", "a.test:8443", "a.test/crm/v1", "a.test:80/x", "a.test/", "https://a.test"] {
            assert!(Place::Authority.put(good, "https://").is_ok(), "{good}");
        }
        for bad in
            ["", "u@a", "a:b", "a:99999", "a?x", "a#x", "a//b", "a/../b", "a/%2e", "http://a", "a\\b", "[::1]", "a b"]
        {
            assert_eq!(Place::Authority.put(bad, "https://"), Err(Misplaced::Authority), "{bad}");
        }
        assert_eq!(Place::Authority.put("https://a.test/", "https://").as_deref(), Ok("a.test"));
    }
}
