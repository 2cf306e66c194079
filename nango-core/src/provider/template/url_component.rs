//! URL components of template values, and their validation.
//!
//! A value must not change other components. In a host it must be a plain name; in a path or query it is encoded. If
//! the value is the whole host or URL, its owner chooses the target of requests.

use std::borrow::Cow;

use nango_grammar::segment;
use url::form_urlencoded;

/// The component of a URL that contains a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UrlComponent {
    /// The start: the value is the URL up to the following text.
    Start,
    /// Everything from `https://` to the path: the value contains host, port and the start of the path.
    HostAndPath,
    /// A part of the host.
    Host,
    /// The port, after the colon of the host.
    Port,
    /// A segment of the path.
    Path,
    /// The query string.
    Query,
}

/// Reasons why a value is not allowed in its component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InvalidComponent {
    Host,
    HostAndPath,
    Port,
    Dots,
}

impl InvalidComponent {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Host => {
                "is part of the host of its URL: it must be a plain name such as `acme` or `acme.example.com`"
            }
            Self::HostAndPath => {
                "is the host of its URL: it must be a host, such as `acme.example.com`, `acme.example.com:8443` or \
                 `acme.example.com/path`"
            }
            Self::Port => "is the port of its URL: it must be a number up to 65535",
            Self::Dots => "is part of the path of its URL: it must not be `.` or `..`",
        }
    }
}

/// Returns the component of a value from the text before and after it. `after` is `None` if another value follows
/// directly.
pub(super) fn component_at(before: &str, after: Option<&str>) -> UrlComponent {
    let Some((_, rest)) = before.split_once("://") else {
        return if before.is_empty() {
            UrlComponent::Start
        } else if before.contains('?') {
            UrlComponent::Query
        } else {
            UrlComponent::Path
        };
    };
    if rest.contains(['?', '#']) {
        UrlComponent::Query
    } else if rest.contains('/') {
        UrlComponent::Path
    } else if rest.is_empty() && after.is_some_and(|after| after.is_empty() || after.starts_with(['/', '?', '#'])) {
        UrlComponent::HostAndPath
    } else if rest.ends_with(':') {
        UrlComponent::Port
    } else {
        UrlComponent::Host
    }
}

impl UrlComponent {
    /// Validates and encodes a value for this component. `before`: the text before the value.
    pub(super) fn encode<'a>(self, value: &'a str, before: &str) -> Result<Cow<'a, str>, InvalidComponent> {
        match self {
            Self::Start => Ok(Cow::Borrowed(value.trim_end_matches('/'))),
            Self::HostAndPath => host_and_path(value, before).map(Cow::Borrowed).ok_or(InvalidComponent::HostAndPath),
            Self::Host if is_host(value) => Ok(Cow::Borrowed(value)),
            Self::Host => Err(InvalidComponent::Host),
            Self::Port if is_port(value) => Ok(Cow::Borrowed(value)),
            Self::Port => Err(InvalidComponent::Port),
            Self::Path if matches!(value, "." | "..") => Err(InvalidComponent::Dots),
            Self::Path => Ok(Cow::Owned(segment::encoded(value))),
            Self::Query => Ok(Cow::Owned(form_urlencoded::byte_serialize(value.as_bytes()).collect())),
        }
    }
}

/// Validates `host`, `host:port` or `host/path`. A scheme that equals the one before the value is removed, because
/// users paste URLs from their browser.
fn host_and_path<'a>(value: &'a str, before: &str) -> Option<&'a str> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_component_is_found_from_context() {
        assert_eq!(component_at("", Some("/v1")), UrlComponent::Start);
        assert_eq!(component_at("https://", Some("/v1")), UrlComponent::HostAndPath);
        assert_eq!(component_at("https://", Some("")), UrlComponent::HostAndPath);
        assert_eq!(component_at("https://", None), UrlComponent::Host);
        assert_eq!(component_at("https://", Some(".h.test")), UrlComponent::Host);
        assert_eq!(component_at("https://h.test:", Some("")), UrlComponent::Port);
        assert_eq!(component_at("https://h.test/", Some("")), UrlComponent::Path);
        assert_eq!(component_at("https://h.test?a=", Some("")), UrlComponent::Query);
        assert_eq!(component_at("/v1/", Some("")), UrlComponent::Path);
        assert_eq!(component_at("v1?key=", Some("")), UrlComponent::Query);
    }

    #[test]
    fn host_value_may_contain_port_and_path() {
        for good in ["a", "a.b-c.test", "a.test:8443", "a.test/crm/v1", "a.test:80/x", "a.test/", "https://a.test"] {
            assert!(UrlComponent::HostAndPath.encode(good, "https://").is_ok(), "{good}");
        }
        for bad in
            ["", "u@a", "a:b", "a:99999", "a?x", "a#x", "a//b", "a/../b", "a/%2e", "http://a", "a\\b", "[::1]", "a b"]
        {
            assert_eq!(UrlComponent::HostAndPath.encode(bad, "https://"), Err(InvalidComponent::HostAndPath), "{bad}");
        }
        assert_eq!(UrlComponent::HostAndPath.encode("https://a.test/", "https://").as_deref(), Ok("a.test"));
    }
}
