//! Endpoint URLs: joins the endpoint of a request to a base URL.
//!
//! The endpoint is appended to the base URL as text and never resolved against it: a leading slash keeps the path of
//! the base URL, and `//other.host/x` stays a path. Only an absolute `http` or `https` URL replaces the base URL. Its
//! trust is decided by its parsed origin, so that a host that merely begins like the base URL's is a different one.
//!
//! A relative endpoint must not have dot segments: a URL parser would resolve them, and the request would leave the
//! path that the caller wrote, or the path of the base URL. Absolute URLs, such as links of an API, may have them (RFC
//! 3986).

use nango_grammar::segment::dot_segment;
use url::{Url, form_urlencoded};

use super::{HttpError, RequestSpec, endpoint_error::EndpointError};

/// Returns the URL of a request below `base`.
pub(super) fn endpoint_url(base: &Url, spec: &RequestSpec) -> Result<Url, HttpError> {
    let mut url = parse(base, &spec.endpoint).map_err(|source| HttpError::Endpoint {
        endpoint: spec.endpoint.split(['?', '#']).next().unwrap_or_default().to_owned(),
        source,
    })?;
    url.set_fragment(None);
    set_query(&mut url, &spec.query);
    Ok(url)
}

fn parse(base: &Url, endpoint: &str) -> Result<Url, EndpointError> {
    let url = if is_absolute_url(endpoint) {
        endpoint.parse()?
    } else {
        if let Some(segment) = dot_segment(endpoint) {
            return Err(EndpointError::DotSegment(segment.to_owned()));
        }
        append(base, endpoint)?
    };
    if url.has_host() { Ok(url) } else { Err(EndpointError::NoHost) }
}

/// Returns whether an endpoint is an absolute URL.
pub(crate) fn is_absolute_url(endpoint: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| endpoint.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

fn append(base: &Url, endpoint: &str) -> Result<Url, url::ParseError> {
    let mut text = base.as_str().split(['?', '#']).next().unwrap_or_default().to_owned();
    if text.ends_with('/') {
        text.pop();
    }
    if !endpoint.is_empty() && !endpoint.starts_with(['/', '?', '#']) {
        text.push('/');
    }
    text.push_str(endpoint);
    text.parse()
}

/// Sets parameters and removes those of the same names. The others keep their spelling.
pub(super) fn set_query(url: &mut Url, pairs: &[(String, String)]) {
    if pairs.is_empty() {
        return;
    }
    let mut query = retained_query(url, |name| !pairs.iter().any(|(replaced, _)| replaced == name));
    for (name, value) in pairs {
        push_pair(&mut query, name, value);
    }
    url.set_query(Some(&query));
}

/// Adds the parameters whose names the URL does not have.
pub(super) fn add_query(url: &mut Url, pairs: &[(String, String)]) {
    for (name, value) in pairs {
        if url.query_pairs().all(|(there, _)| there != name.as_str()) {
            let mut query = retained_query(url, |_| true);
            push_pair(&mut query, name, value);
            url.set_query(Some(&query));
        }
    }
}

fn retained_query(url: &Url, keep: impl Fn(&str) -> bool) -> String {
    let query = url.query().unwrap_or_default();
    let pairs = query.split('&').filter(|pair| {
        let name = form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name);
        name.is_some_and(|name| keep(&name))
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn push_pair(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.extend(form_urlencoded::byte_serialize(name.as_bytes()));
    query.push('=');
    query.extend(form_urlencoded::byte_serialize(value.as_bytes()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Chain;

    #[track_caller]
    fn check(base: &str, endpoint: &str, query: &[(&str, &str)], expect: &str) {
        let mut spec = RequestSpec::get(endpoint);
        spec.query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(endpoint_url(&base.parse().unwrap(), &spec).unwrap().as_str(), expect);
    }

    #[test]
    fn endpoint_is_appended_to_the_base_url() {
        check("https://h.test", "/a/b", &[], "https://h.test/a/b");
        check("https://h.test/", "a", &[], "https://h.test/a");
        check("https://h.test/api/v3/", "/a", &[], "https://h.test/api/v3/a");
        check("https://h.test/api", "", &[], "https://h.test/api");
        check("https://h.test/api", "?x=1", &[], "https://h.test/api?x=1");
        check("https://h.test/api?y=2", "/a#frag", &[], "https://h.test/api/a");
    }

    #[test]
    fn relative_endpoint_never_changes_the_host() {
        check("https://h.test", "//evil.test/x", &[], "https://h.test//evil.test/x");
        check("https://h.test", "@evil.test", &[], "https://h.test/@evil.test");
        check("https://h.test", ".evil.test", &[], "https://h.test/.evil.test");
        check("https://h.test", ":80@evil.test", &[], "https://h.test/:80@evil.test");
        check("https://h.test", "/\\evil.test", &[], "https://h.test//evil.test");
        check("https://h.test", "HTTPS://other.test/x", &[], "https://other.test/x");
    }

    #[track_caller]
    fn rejected_endpoint(endpoint: &str) -> String {
        let base = "https://h.test/api".parse().unwrap();
        Chain(&endpoint_url(&base, &RequestSpec::get(endpoint)).unwrap_err()).to_string()
    }

    #[test]
    fn relative_endpoint_with_dot_segments_is_refused_in_every_spelling() {
        for endpoint in [
            "..",
            "/..",
            "/../admin",
            "/a/./b",
            "/a/%2e%2E/b",
            "/a/.%2e",
            "/a\\..\\b",
            "/a/.\t./b",
            "/a/.. ",
            "/a/..;x/b",
            "a/../b",
        ] {
            let error = rejected_endpoint(endpoint);
            assert!(error.starts_with("invalid endpoint `") && error.contains("`: its segment `"), "{error}");
        }
        let error = rejected_endpoint("/a/../b?key=hush");
        let expect = "invalid endpoint `/a/../b`: its segment `..` leads to another path; `.` and `..` are not \
                      allowed, in any spelling; `path!(\"/items/{id}\")` inserts values safely";
        assert_eq!(error, expect);
        check("https://h.test/api", "/a?b=/../c", &[], "https://h.test/api/a?b=/../c");
        check("https://h.test/api", "https://h.test/api/../b", &[], "https://h.test/b");
    }

    proptest! {
        #[test]
        fn no_relative_endpoint_leaves_the_path_of_the_base_url(endpoint in "[a./\\\\%2eE;?# \t\r\n\u{0}-]{0,12}") {
            let base: Url = "https://h.test/api/v1".parse().unwrap();
            if let Ok(url) = endpoint_url(&base, &RequestSpec::get(endpoint.clone())) {
                let rest = url.path().strip_prefix("/api/v1");
                prop_assert!(rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')), "{endpoint:?} -> {url}");
                let path = endpoint.split(['?', '#']).next().unwrap_or_default();
                let segments = path.trim_start_matches(['/', '\\']).matches(['/', '\\']).count();
                prop_assert!(url.path().matches('/').count() >= segments + 2, "{endpoint:?} -> {url}");
            }
        }
    }

    #[test]
    fn absolute_url_ignores_the_base_url() {
        for base in ["https://h.test/api", "https://h.test/api/"] {
            check(base, "https://h.test/api/x?a=1", &[], "https://h.test/api/x?a=1");
            check(base, "https://H.test:443/api", &[], "https://h.test/api");
            // These begin like the base URL, but end within a segment or within the host.
            check(base, "https://h.test/apiary", &[], "https://h.test/apiary");
            check(base, "https://h.test.evil.test/api/x", &[], "https://h.test.evil.test/api/x");
            check(base, "https://h.test@evil.test/api/x", &[], "https://h.test@evil.test/api/x");
        }
    }

    #[test]
    fn parameters_replace_those_of_the_same_name() {
        check("https://h.test", "/a?x=1&y=a%20b", &[("x", "2 3"), ("z", "&")], "https://h.test/a?y=a%20b&x=2+3&z=%26");
        check("https://h.test", "/a", &[("l", "1"), ("l", "2")], "https://h.test/a?l=1&l=2");
        let mut url: Url = "https://h.test/?a=1".parse().unwrap();
        add_query(&mut url, &[("a".into(), "2".into()), ("b".into(), "3".into())]);
        assert_eq!(url.as_str(), "https://h.test/?a=1&b=3");
    }

    #[test]
    fn invalid_url_is_an_error() {
        let error = rejected_endpoint("https://[bad/x?key=hush");
        assert_eq!(error, "invalid endpoint `https://[bad/x`: invalid IPv6 address");
    }
}
