//! Targets in a response: the next page, and the position of an incremental feed.

use serde_json::{Value, value::RawValue};
use url::Url;

use super::Walk;
use crate::{
    declare::{DeltaPosition, PaginateKind},
    http::Response,
    paginate::{
        PaginateError,
        cursor::{Cursor, scalar},
        delta::FeedPosition,
        evidence::Evidence,
        link::{self, LinkTarget},
        resolve::{self, LinkError},
        resume_point::ResumeTarget,
        spec::Step,
    },
};

impl Walk {
    /// Returns the next step according to a cursor, a link in the body or a `Link` header.
    pub(super) fn linked_step(
        &self,
        response: &Response,
        evidence: &Evidence<'_>,
        at: &str,
    ) -> Result<Option<Step>, PaginateError> {
        let Some(kind) = &self.spec.kind else { return Ok(None) };
        if let PaginateKind::Link { rel: Some(rel), .. } = kind {
            match link::target(&response.headers, rel) {
                LinkTarget::Absent => {}
                LinkTarget::Unreadable => {
                    return Err(PaginateError::UnreadableLink { at: at.to_owned(), rel: rel.clone().into_owned() });
                }
                LinkTarget::Target(target) => {
                    let url = resolve::relative_to_request(&response.url, &target).and_then(http_url);
                    return url.map(|url| Some(Step::Link(url))).map_err(|error| unusable_link(at, "Link", error));
                }
            }
        }
        let (Some(path), Some(value)) = (self.spec.next_path(), evidence.next.value()) else { return Ok(None) };
        if matches!(kind, PaginateKind::Cursor { .. }) {
            return Ok(scalar(value, "cursor", at, path)?.map(Step::Cursor));
        }
        Ok(self.link_in_body(response, value, at, path)?.map(Step::Link))
    }

    /// Returns the position of the feed in a response.
    pub(super) fn position_of(
        &self,
        response: &Response,
        evidence: &Evidence<'_>,
        at: &str,
    ) -> Result<Option<FeedPosition>, PaginateError> {
        let (Some(feed), Some(value)) = (&self.spec.feed, evidence.position.value()) else { return Ok(None) };
        let target = match feed.position {
            DeltaPosition::Param { path, .. } => scalar(value, "position", at, path)?.map(ResumeTarget::Cursor),
            DeltaPosition::Link { path } => {
                self.link_in_body(response, value, at, path)?.map(|url| ResumeTarget::Link(url.into()))
            }
        };
        Ok(target.map(FeedPosition))
    }

    /// Resolves a link in the body.
    fn link_in_body(
        &self,
        response: &Response,
        value: &RawValue,
        at: &str,
        path: &str,
    ) -> Result<Option<Url>, PaginateError> {
        let resolved = match scalar(value, "link", at, path)? {
            None => return Ok(None),
            Some(Cursor::Json(Value::String(text))) => {
                let base = self.client.base_url_for(&self.spec.request(&Step::First))?;
                resolve::resolve(&base, &response.url, text.trim()).and_then(http_url)
            }
            Some(_) => Err(LinkError::Number),
        };
        resolved.map(Some).map_err(|error| unusable_link(at, path, error))
    }
}

fn unusable_link(at: &str, location: &str, source: LinkError) -> PaginateError {
    PaginateError::Next { at: at.to_owned(), what: "link", location: location.to_owned(), source: source.into() }
}

fn http_url(mut url: Url) -> Result<Url, LinkError> {
    url.set_fragment(None);
    if matches!(url.scheme(), "http" | "https") && url.has_host() { Ok(url) } else { Err(LinkError::NotHttp) }
}
