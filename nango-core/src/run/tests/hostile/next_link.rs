//! The link or cursor to the next page, in the style of the API.

use serde_json::{Map, Value};
use url::Url;

use super::{
    api::{BASE, HostileApi},
    reply::Reply,
    style::PositionCarrier,
};

impl HostileApi {
    /// Returns whether the link to the next page is in a header.
    pub(super) fn has_header_links(&self) -> bool {
        matches!(
            self.style.carrier,
            PositionCarrier::LinkKeyset | PositionCarrier::LinkPageInfo | PositionCarrier::LinkPage
        )
    }

    /// Returns whether the next page is given by a link.
    pub(super) fn has_links(&self) -> bool {
        let in_body = matches!(
            self.style.carrier,
            PositionCarrier::BodyLinkKeyset | PositionCarrier::BodyLinkPage | PositionCarrier::PathLink
        );
        in_body || self.has_header_links()
    }

    /// Adds the link or cursor to the next page.
    pub(super) fn write_next_link(
        &self,
        fields: &mut Map<String, Value>,
        reply: &mut Reply,
        url: &Url,
        next: &str,
        away: bool,
    ) {
        let base = if away { "https://evil.test/items" } else { BASE };
        let retained = url.query_pairs().filter(|(name, _)| matches!(&**name, "since" | "limit"));
        let retained = retained.fold(String::new(), |query, (name, value)| query + &name + "=" + &value + "&");
        let link = match self.style.carrier {
            PositionCarrier::CursorText => {
                fields.insert("next".into(), format!("c{next}x").into());
                return;
            }
            PositionCarrier::CursorNumber => {
                fields.insert("next".into(), next.into());
                return;
            }
            PositionCarrier::PathLink if away => {
                format!("https://evil.test/items/c{next}x?{}", retained.trim_end_matches('&'))
            }
            PositionCarrier::PathLink => format!("/items/c{next}x?{}", retained.trim_end_matches('&')),
            PositionCarrier::LinkPageInfo => format!("{base}?{retained}page_info=c{next}x"),
            PositionCarrier::LinkPage | PositionCarrier::BodyLinkPage => format!("{base}?{retained}page={next}"),
            _ => format!("{base}?{retained}after={next}"),
        };
        if !self.has_header_links() {
            fields.insert("next".into(), link.into());
            return;
        }
        let text = match self.style.link_form {
            0 => format!("<{link}>; rel=\"next\", <{BASE}?page=1>; rel=\"first\""),
            1 => format!("<{link}>; rel='next'"),
            2 => format!("<{link}>; title=\"Überblick, alles; \u{1f30d}\"; rel=\"next\""),
            3 => format!("no member, <{link}>; rel=next"),
            4 => format!("<>; rel=\"prev\", <{link}>; rel=\"next\""),
            _ => format!("<{BASE}?a=1,2;3>; rel=\"self last\", <{link}>; rel=\"next\"; title='it;s, next'"),
        };
        reply.headers.push(("link", text.into_bytes()));
    }
}
