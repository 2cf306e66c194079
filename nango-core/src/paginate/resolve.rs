//! Resolution of the link to the next page in a body.
//!
//! RFC 3986 resolves every relative reference against the request's URL. For links that begin with `/`, APIs differ:
//! some return the full path of the host (Salesforce), some the path below the base URL (Confluence, whose lists
//! contain their base beside the link), and an API behind a gateway returns the path without the prefix that the
//! gateway removes. Nango resolves all of them below the base URL. Here the result depends on the paths of the request
//! and of the base URL, compared by whole segments. The first matching rule applies:
//!
//! 1. A link without a leading `/` (absolute, `//host`, `?page=2`, `items?page=2`), and every link in a response from
//!    another origin than the base URL's: RFC 3986.
//! 2. The link's path equals the path of the request: the same path.
//! 3. The link's path begins with the base URL's path: a path of the host.
//!    Base `/services/data`, link `/services/data/v60.0/query/01g-2000`.
//! 4. The path of the request ends with the link's path: the same list, with the same prefix. If the prefix is longer
//!    than the base URL's path, the link must have at least two segments: a single segment may be another list.
//!    Request `/wiki/rest/api/search`, link `/rest/api/search?cursor=…`: `/wiki/rest/api/search?cursor=…`.
//! 5. The beginning of the link's path repeats the end of the base URL's path: joined at the longest overlap.
//!    Base `/gateway/api/v2`, link `/api/v2/items?page=2`: `/gateway/api/v2/items?page=2`.
//! 6. Both paths begin with the same segment: a path of the host.
//!    Base `/services/data/v60.0`, link `/services/data/v20.0/query/01g-2000`.
//! 7. Otherwise below the base URL's path, as in Nango.
//!    Base `/ex/confluence/{id}`, link `/wiki/api/v2/pages?cursor=…`.
//!
//! The target of a `Link` header is always relative to the request (RFC 8288): `relative_to_request` resolves it.

use nango_grammar::segment::dot_segment;
use url::{ParseError, Url};

/// Reasons why a link does not lead to another page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LinkError {
    /// The text is not a URL reference.
    #[error(transparent)]
    Url(#[from] ParseError),
    /// A relative reference has a dot segment.
    #[error("its segment `{}` leads to another path", .0.escape_debug())]
    DotSegment(String),
    /// The URL has another scheme than `http` or `https`, or no host.
    #[error("it is not an HTTP URL")]
    NotHttp,
    /// The value in the body is a number.
    #[error("it is a number")]
    Number,
}

/// Returns the URL of a link in the body of the response from `request_url`. `base` is the URL to which endpoints are
/// appended.
///
/// # Errors
///
/// Fails if the link is not a URL reference, or is a relative reference with a dot segment in any encoding, which is
/// also refused in the endpoints of functions. Absolute URLs may have dot segments (RFC 3986).
pub(super) fn resolve(base: &Url, request_url: &Url, target: &str) -> Result<Url, LinkError> {
    let mut url = relative_to_request(request_url, target)?;
    if is_path(target) && url.origin() == base.origin() {
        let path = format!("{}{}", prefix(base, request_url, &url), url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// Returns the URL of a target in a `Link` header of the response from `request_url`.
///
/// # Errors
///
/// Fails like [`resolve`].
pub(super) fn relative_to_request(request_url: &Url, target: &str) -> Result<Url, LinkError> {
    let url = request_url.join(target)?;
    let is_relative = Url::parse(target) == Err(ParseError::RelativeUrlWithoutBase);
    if let Some(segment) = Some(target).filter(|_| is_relative).and_then(dot_segment) {
        return Err(LinkError::DotSegment(segment.to_owned()));
    }
    Ok(url)
}

/// Returns whether a reference is an absolute path: without a host, and not relative to another path. Surrounding
/// blanks, tabs and `\` are handled as in the URL standard.
fn is_path(target: &str) -> bool {
    let mut text = target.trim_start_matches(|c| c <= ' ').chars().filter(|c| !matches!(c, '\t' | '\n' | '\r'));
    let is_slash = |c: Option<char>| matches!(c, Some('/' | '\\'));
    is_slash(text.next()) && !is_slash(text.next())
}

/// Returns the prefix of the path of a link that begins with `/`: the empty text, or a path without a trailing `/`.
fn prefix(base: &Url, request_url: &Url, link: &Url) -> String {
    let (base, requested, link) = (segments(base), segments(request_url), segments(link));
    let retained = if link == requested || (!base.is_empty() && link.starts_with(&base)) {
        &[]
    } else if let Some(before) = requested
        .strip_suffix(&*link)
        .filter(|before| !link.is_empty() && (link.len() > 1 || before.len() <= base.len()))
    {
        before
    } else if let Some(overlap) = (1..=base.len().min(link.len())).rev().find(|&n| base.ends_with(&link[..n])) {
        &base[..base.len() - overlap]
    } else if base.first() == link.first() {
        &[]
    } else {
        &*base
    };
    retained.iter().flat_map(|segment| ["/", segment]).collect()
}

/// Returns the segments of a path, without an empty last segment.
fn segments(url: &Url) -> Vec<&str> {
    let mut segments: Vec<&str> = url.path().split('/').skip(1).collect();
    if segments.last() == Some(&"") {
        segments.pop();
    }
    segments
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(base: &str, requested: &str, target: &str, expect: &str) {
        let url = |path: &str| -> Url {
            let text = if path.starts_with('/') || path.is_empty() {
                format!("https://h.test{path}")
            } else {
                path.to_owned()
            };
            text.parse().unwrap()
        };
        let got = resolve(&url(base), &url(requested), target).unwrap();
        assert_eq!(got, url(expect), "base {base}, requested {requested}, link {target}");
    }

    #[test]
    fn link_without_leading_slash_is_relative_to_the_request() {
        let requested = "/v1/lists/7/items?page=1";
        check("/v1", requested, "https://h.test/x?page=2", "/x?page=2");
        check("/v1", requested, "http://h.test/x", "http://h.test/x");
        check("/v1", requested, "https://other.test/v1/x", "https://other.test/v1/x");
        check("/v1", requested, "//other.test/v1/x", "https://other.test/v1/x");
        check("/v1", requested, "//h.test/x", "/x");
        check("/v1", requested, "?page=2", "/v1/lists/7/items?page=2");
        check("/v1", requested, "items?page=2", "/v1/lists/7/items?page=2");
        check("/v1", requested, " /next ", "/v1/next");
    }

    #[test]
    fn link_in_a_response_from_another_origin_stays_on_that_origin() {
        check("/v1", "https://other.test/a/items", "/b?page=2", "https://other.test/b?page=2");
        check("http://h.test/v1", "/v1/items", "/items?page=2", "/items?page=2");
        check("/v1", "https://h.test:8443/v1/items", "/v1/items?page=2", "https://h.test:8443/v1/items?page=2");
    }

    #[test]
    fn link_with_the_full_path_of_the_host_is_used_unchanged() {
        // The base URL has no path.
        check(
            "",
            "/services/data/v60.0/query",
            "/services/data/v60.0/query/01g-2000",
            "/services/data/v60.0/query/01g-2000",
        );
        check(
            "/",
            "/2010-04-01/Accounts/AC1/Calls.json",
            "/2010-04-01/Accounts/AC1/Calls.json?Page=1",
            "/2010-04-01/Accounts/AC1/Calls.json?Page=1",
        );
        // It repeats the path of the base URL.
        check("/v1", "/v1/items", "/v1/items?page=2", "/v1/items?page=2");
        check(
            "/services/data/",
            "/services/data/v37.0/query",
            "/services/data/v37.0/query/01g-2000",
            "/services/data/v37.0/query/01g-2000",
        );
        check("/wiki", "/wiki/api/v2/pages", "/wiki/api/v2/pages?cursor=x", "/wiki/api/v2/pages?cursor=x");
        check("/v1", "/v1/items", "/v1?page=2", "/v1?page=2");
        // It repeats the path of the request, which is outside the base URL's path.
        check("/v1", "/v2/items", "/v2/items?page=2", "/v2/items?page=2");
        // Another version.
        check(
            "/services/data/v60.0",
            "/services/data/v60.0/query",
            "/services/data/v20.0/query/01g-2000",
            "/services/data/v20.0/query/01g-2000",
        );
    }

    #[test]
    fn link_below_the_base_url_gets_its_path() {
        check("/v1", "/v1/items", "/items?page=2", "/v1/items?page=2");
        check("/v1", "/v1/items", "/lists/7?page=2", "/v1/lists/7?page=2");
        check("/v1", "/v1/items", "/v10/items", "/v1/v10/items");
        check("/v1", "/v1/items", "/?page=2", "/v1/?page=2");
        check("/v1", "/v1/orgs/5/users", "/users?page=2", "/v1/users?page=2");
        check(
            "/confluence",
            "/confluence/rest/api/space",
            "/rest/api/space?start=5",
            "/confluence/rest/api/space?start=5",
        );
        check(
            "/ex/confluence/7",
            "/ex/confluence/7/wiki/api/v2/pages",
            "/wiki/api/v2/pages?cursor=x",
            "/ex/confluence/7/wiki/api/v2/pages?cursor=x",
        );
        check(
            "/ex/confluence/7",
            "/ex/confluence/7/wiki/api/v2/pages",
            "/wiki/api/v2/pages/more",
            "/ex/confluence/7/wiki/api/v2/pages/more",
        );
    }

    #[test]
    fn link_of_a_part_of_the_path_is_joined_at_the_overlap() {
        check("/gateway/api/v2", "/gateway/api/v2/items", "/api/v2/items?page=2", "/gateway/api/v2/items?page=2");
        check("/gateway/api/v2", "/gateway/api/v2/query", "/api/v2/more/7", "/gateway/api/v2/more/7");
        check(
            "/ex/confluence/7/wiki",
            "/ex/confluence/7/wiki/api/v2/pages",
            "/wiki/api/v2/pages/more",
            "/ex/confluence/7/wiki/api/v2/pages/more",
        );
        check("/a/b/a/b", "/x", "/a/b/c", "/a/b/a/b/c");
        // The base URL has no path, and the request repeats all of the link.
        check("", "/wiki/rest/api/search?cql=a", "/rest/api/search?cursor=x", "/wiki/rest/api/search?cursor=x");
        // A single segment may be another list.
        check("", "/orgs/5/users", "/users?page=2", "/users?page=2");
    }

    #[test]
    fn paths_are_compared_as_they_are_requested() {
        check("/gateway/api/v2", "/gateway/api/v2/items", "/api/v2/items?q=a/../b", "/gateway/api/v2/items?q=a/../b");
        check("/ä/v1", "/ä/v1/items", "/%C3%A4/v1/items?page=2", "/ä/v1/items?page=2");
        check("/v1", "/v1/items", "/items?next=a%2Fb#part", "/v1/items?next=a%2Fb#part");
    }

    #[test]
    fn relative_link_with_a_dot_segment_is_an_error() {
        let url: Url = "https://h.test/v1/items".parse().unwrap();
        for target in [
            "/../../x",
            "/v1/./items",
            "/v1/%2e%2E/x",
            "\\v1\\..\\x",
            "/v1/.\t./x",
            " /v1/..;a/x?page=2",
            "../x",
            "./x",
        ] {
            let error = resolve(&url, &url, target).unwrap_err();
            assert!(matches!(error, LinkError::DotSegment(_)), "{target}: {error}");
        }
        check("/v1", "/v1/items", "https://h.test/v1/../x", "/x");
    }

    #[test]
    fn link_that_is_not_a_url_is_an_error() {
        let url: Url = "https://h.test/v1".parse().unwrap();
        assert_eq!(resolve(&url, &url, "https://"), Err(LinkError::Url(ParseError::EmptyHost)));
        assert!(resolve(&url, &url, "//a b/").is_err());
    }

    proptest! {
        #[test]
        fn any_link_resolves_without_panic_and_path_keeps_the_origin(
            base in "(/[abc]){0,3}/?",
            requested in "(/[abc]){0,4}",
            target in "(/[abc.]){1,4}(\\?[abc=/]{0,4})?",
            any in ".*",
        ) {
            let url = |path: &str| -> Url { format!("https://h.test{path}").parse().unwrap() };
            let (base, requested) = (url(&base), url(&requested));
            let got = match resolve(&base, &requested, &target) {
                Ok(got) => got,
                Err(error) => {
                    prop_assert!(matches!(error, LinkError::DotSegment(_)) && dot_segment(&target).is_some());
                    return Ok(());
                }
            };
            prop_assert_eq!(got.origin(), base.origin());
            let alone = base.join(&target).unwrap();
            prop_assert!(got.path().ends_with(alone.path()) && got.query() == alone.query(), "{}", got);
            let _ = resolve(&base, &requested, &any);
        }
    }
}
