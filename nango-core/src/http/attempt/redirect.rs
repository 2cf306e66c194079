//! The request that follows a redirect.

use reqwest::{
    Method,
    header::{HeaderMap, LOCATION},
};

use crate::http::{Body, OutgoingRequest};

/// Error of a redirect whose location is not an HTTP URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InvalidLocation;

/// Returns the next request of a redirect; `None` if the response is no redirect, or has no location. A 303, and a 301
/// or 302 after a POST, become a GET without a body, as in browsers. After a POST that only reads, 301 and 302 keep
/// method and body: without its body the request would read another list.
pub(super) fn next_request(
    hop: &OutgoingRequest,
    status: u16,
    headers: &HeaderMap,
    is_read: bool,
) -> Result<Option<OutgoingRequest>, InvalidLocation> {
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = headers.get(LOCATION) else { return Ok(None) };
    let url = location.to_str().ok().and_then(|text| hop.url.join(text).ok());
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let mut url = url.ok_or(InvalidLocation)?;
    url.set_fragment(None);
    let mut next = OutgoingRequest { url, ..hop.clone() };
    let becomes_get = match status {
        303 => hop.method != Method::HEAD,
        301 | 302 => hop.method == Method::POST && !is_read,
        _ => false,
    };
    if becomes_get && hop.method != Method::GET {
        next.method = Method::GET;
        next.body = Body::Empty;
        let kept = hop.headers.iter().filter(|(name, _)| !name.as_str().starts_with("content-"));
        next.headers = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    }
    Ok(Some(next))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};

    use super::*;

    fn post() -> OutgoingRequest {
        let headers = [(CONTENT_TYPE, "text/plain"), (USER_AGENT, "x")];
        OutgoingRequest {
            method: Method::POST,
            url: "https://h.test/a/b?c=1".parse().unwrap(),
            headers: headers.map(|(name, value)| (name, HeaderValue::from_static(value))).into_iter().collect(),
            body: Body::Json("{}".into()),
            timeout: None,
            max_body_bytes: None,
            integration: None,
            parent: None,
            unauthorized: None,
        }
    }

    fn redirected(hop: &OutgoingRequest, status: u16, to: &'static str) -> Result<Option<String>, InvalidLocation> {
        let headers = [(LOCATION, HeaderValue::from_static(to))].into_iter().collect();
        let next = next_request(hop, status, &headers, false)?;
        Ok(next.map(|next| format!("{} {} {}", next.method, next.url, next.headers.len())))
    }

    #[test]
    fn status_decides_whether_a_redirect_becomes_a_get() {
        for (status, expect) in [
            (301, Some("GET https://h.test/a/x 1")),
            (302, Some("GET https://h.test/a/x 1")),
            (303, Some("GET https://h.test/a/x 1")),
            (307, Some("POST https://h.test/a/x 2")),
            (308, Some("POST https://h.test/a/x 2")),
            (300, None),
            (200, None),
        ] {
            assert_eq!(redirected(&post(), status, "x#part"), Ok(expect.map(str::to_owned)), "{status}");
        }
        let put = OutgoingRequest { method: Method::PUT, ..post() };
        assert_eq!(redirected(&put, 301, "/x"), Ok(Some("PUT https://h.test/x 2".to_owned())));
        let head = OutgoingRequest { method: Method::HEAD, ..post() };
        assert_eq!(redirected(&head, 303, "/x"), Ok(Some("HEAD https://h.test/x 2".to_owned())));
    }

    #[test]
    fn request_that_only_reads_keeps_its_method_and_body() {
        let headers = [(LOCATION, HeaderValue::from_static("/x"))].into_iter().collect();
        for (status, expect) in [(301, Method::POST), (302, Method::POST), (303, Method::GET), (308, Method::POST)] {
            let next = next_request(&post(), status, &headers, true).unwrap().unwrap();
            assert_eq!((next.method, next.body.is_empty()), (expect.clone(), expect == Method::GET), "{status}");
        }
    }

    #[test]
    fn location_must_be_an_http_url() {
        assert_eq!(redirected(&post(), 302, "ftp://h.test/x"), Err(InvalidLocation));
        assert_eq!(redirected(&post(), 302, "https://"), Err(InvalidLocation));
        assert!(next_request(&post(), 302, &HeaderMap::new(), false).unwrap().is_none());
    }
}
