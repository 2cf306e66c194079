//! Faults of the API: wrong, missing and misleading responses that real APIs give.

use serde_json::{Map, json};
use url::Url;

use super::{
    api::HostileApi,
    reply::{Reply, query, reply, with},
};
use crate::http::TransportError;

/// Misbehaviour of an API in one response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Broken,
    Unreachable,
    Limited,
    Failed,
    OtherSuccess,
    Redirect,
    RedirectAway,
    NullWithErrors,
    ErrorOnly,
    HalfBody,
    SamePage,
    Circle,
    EmptyCircle,
    OtherOrigin,
    UnreadableLink,
    ShortPage,
    ErrorsBesideData,
    DeclaredError,
    DeclaredPartial,
}

impl Fault {
    pub(super) const ALL: [Self; 19] = [
        Self::Broken,
        Self::Unreachable,
        Self::Limited,
        Self::Failed,
        Self::OtherSuccess,
        Self::Redirect,
        Self::RedirectAway,
        Self::NullWithErrors,
        Self::ErrorOnly,
        Self::HalfBody,
        Self::SamePage,
        Self::Circle,
        Self::EmptyCircle,
        Self::OtherOrigin,
        Self::UnreadableLink,
        Self::ShortPage,
        Self::ErrorsBesideData,
        Self::DeclaredError,
        Self::DeclaredPartial,
    ];

    /// Returns whether a walk with this fault cannot be complete.
    pub(super) fn is_fatal(self) -> bool {
        !matches!(self, Self::Limited | Self::Redirect | Self::ShortPage | Self::ErrorsBesideData)
    }
}

impl HostileApi {
    /// Returns a fault response instead of the page.
    pub(super) fn fault_instead(&mut self, fault: Fault, url: &Url) -> Option<Result<Reply, TransportError>> {
        let reply = match fault {
            Fault::Broken => Err(TransportError::Disconnected("closed".into())),
            Fault::Unreachable => Err(TransportError::Unreachable("refused".into())),
            Fault::Limited => Ok(with(reply(429, b"{}".to_vec()), "retry-after", "2")),
            Fault::Failed => Ok(reply(500, b"{}".to_vec())),
            Fault::OtherSuccess => Ok(reply(*self.rng.choose(&[202, 207]), self.write(Vec::new(), Map::new()))),
            Fault::Redirect if query(url, "moved").is_none() => {
                let mut to = url.clone();
                to.query_pairs_mut().append_pair("moved", "1");
                Ok(with(reply(302, Vec::new()), "location", to.as_str()))
            }
            Fault::RedirectAway => Ok(with(reply(302, Vec::new()), "location", "https://evil.test/login")),
            Fault::NullWithErrors => {
                let body = json!({ "items": null, "errors": [{ "message": "too complex" }], "meta": {} });
                Ok(reply(200, body.to_string().into_bytes()))
            }
            Fault::ErrorOnly => Ok(reply(200, br#"{"error":{"message":"internal"}}"#.to_vec())),
            Fault::DeclaredError => {
                // The list is there, but empty, as in the responses of some APIs.
                let fields = json!({ "ok": false, "reason": "too busy" });
                Ok(reply(200, self.write(Vec::new(), fields.as_object().cloned().unwrap_or_default())))
            }
            Fault::SamePage => match &self.last_reply {
                Some(last) if !last.records.is_empty() && last.status == 200 => Ok(last.clone()),
                _ => return None,
            },
            _ => return None,
        };
        self.injected.push(fault);
        self.trace.add(format!("fault: {fault:?}"));
        Some(reply)
    }
}
