//! Positions of incremental feeds, which a response contains and which a later run sends to read only what changed
//! since then.
//!
//! The position is either the cursor of the pages as well (`end`), or a value beside them: on the last page, or on each
//! page. The last one that a page of the walk contains is used.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{PaginateError, cursor::Cursor, resume_point::ResumeTarget};
use crate::declare::{DeltaPosition, Paginate, PaginateKind};

/// Position of an incremental feed: a token or a link. It may be secret, so it is stored sealed and `Debug` does not
/// show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct FeedPosition(pub(super) ResumeTarget);

impl fmt::Debug for FeedPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            ResumeTarget::Cursor(_) => "FeedPosition(token)",
            ResumeTarget::Link(_) => "FeedPosition(link)",
        })
    }
}

/// Incremental feed that a walk reads.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    /// Position in the responses, and how it is sent.
    pub position: DeltaPosition,
    /// Path of the flag that ends the walk, if the position is also the cursor of the pages.
    pub end: Option<&'static str>,
    /// Statuses of responses to an expired position.
    pub expired: &'static [u16],
    /// Position after which changes are requested; `None` if the walk reads the complete list.
    pub from: Option<FeedPosition>,
    /// Parameters that are sent without a position.
    pub initial: Vec<(&'static str, Value)>,
}

impl Feed {
    /// Returns the pagination of the feed: with `end`, its position is the cursor or the link of the pages.
    ///
    /// # Errors
    ///
    /// Fails if the declarations of the pages and of the position contradict each other.
    pub(super) fn paginate(&self, mut paginate: Paginate) -> Result<Paginate, PaginateError> {
        let wrong = |text: String| Err(PaginateError::Settings(text));
        match (self.end, &paginate.kind) {
            (Some(_), Some(kind)) => {
                return wrong(format!(
                    "`end` declares that the position is the cursor of the pages, and `paginate({}(…))` declares \
                     another one: write `is_last` in `paginate(…)` in place of `end`, or remove the kind from \
                     `paginate(…)`",
                    kind.name()
                ));
            }
            (Some(end), None) => paginate = self.position.paginate(end, paginate),
            (None, _) => {}
        }
        let linked = matches!(paginate.kind, None | Some(PaginateKind::Link { .. }));
        if matches!(self.position, DeltaPosition::Link { .. }) && !linked {
            return wrong(
                "a position that is a link needs pages that are links, because the other parameters are a part of it: \
                 declare `paginate(link(…))`, or no pagination"
                    .to_owned(),
            );
        }
        Ok(paginate)
    }

    /// Returns the parameters of all requests that are not links, and those of the first request.
    pub(super) fn parameters(&self) -> (Parameters, Parameters) {
        let initial =
            || self.initial.iter().map(|(name, value)| ((*name).to_owned(), Cursor::Json(value.clone()))).collect();
        match (&self.from, self.position, self.end) {
            (None, _, None) => (initial(), Vec::new()),
            // The following requests have a position.
            (None, _, Some(_)) => (Vec::new(), initial()),
            (Some(FeedPosition(ResumeTarget::Cursor(value))), DeltaPosition::Param { param, .. }, None) => {
                (vec![(param.to_owned(), value.clone())], Vec::new())
            }
            (Some(_), ..) => (Vec::new(), Vec::new()),
        }
    }

    /// Returns whether a status means that the position of an incremental walk has expired.
    pub(super) fn is_expired(&self, status: u16) -> bool {
        self.from.is_some() && self.expired.contains(&status)
    }
}

/// Names and values of parameters.
pub(super) type Parameters = Vec<(String, Cursor)>;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::declare::Pagination;

    fn token(value: Value) -> FeedPosition {
        FeedPosition(ResumeTarget::Cursor(Cursor::Json(value)))
    }

    fn feed(position: DeltaPosition, end: Option<&'static str>, from: Option<FeedPosition>) -> Feed {
        Feed { position, end, expired: &[410], from, initial: vec![("start", json!(0))] }
    }

    const PARAM: DeltaPosition = DeltaPosition::Param { param: "cursor", path: "after" };
    const LINK: DeltaPosition = DeltaPosition::Link { path: "delta" };

    #[test]
    fn position_with_end_is_the_cursor_of_the_pages() {
        let paginate = |position| feed(position, Some("done"), None).paginate(Paginate::provider().limit(3)).unwrap();
        let expect = Paginate::cursor("cursor", "after").limit(3).is_last("done").pagination(Pagination::Token);
        assert_eq!(paginate(PARAM), expect);
        assert_eq!(paginate(LINK).kind, Some(PaginateKind::Link { rel: None, path: Some("delta".into()) }));
        let declared = Paginate::offset("page");
        assert_eq!(feed(PARAM, None, None).paginate(declared.clone()).unwrap(), declared);
    }

    #[test]
    fn contradicting_declarations_are_refused() {
        let error = |position, end, paginate| feed(position, end, None).paginate(paginate).unwrap_err().to_string();
        let text = error(PARAM, Some("done"), Paginate::cursor("a", "b"));
        assert!(text.contains("`paginate(cursor(…))`") && text.contains("`is_last`"), "{text}");
        let text = error(LINK, None, Paginate::offset("page"));
        assert!(text.contains("`paginate(link(…))`"), "{text}");
    }

    #[test]
    fn initial_parameters_are_sent_only_without_a_position() {
        let names = |position, end, from| {
            let (all, first) = feed(position, end, from).parameters();
            let names = |parameters: Parameters| parameters.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
            (names(all), names(first))
        };
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(names(PARAM, None, None), (list(&["start"]), list(&[])));
        assert_eq!(names(PARAM, Some("done"), None), (list(&[]), list(&["start"])));
        assert_eq!(names(PARAM, None, Some(token(json!("a")))), (list(&["cursor"]), list(&[])));
        assert_eq!(names(PARAM, Some("done"), Some(token(json!("a")))), (list(&[]), list(&[])));
        assert_eq!(names(LINK, None, None), (list(&["start"]), list(&[])));
    }

    #[test]
    fn status_means_an_expired_position_only_if_a_position_was_sent() {
        assert!(feed(PARAM, None, Some(token(json!(7)))).is_expired(410));
        assert!(!feed(PARAM, None, Some(token(json!(7)))).is_expired(404));
        assert!(!feed(PARAM, None, None).is_expired(410));
    }

    #[test]
    fn position_is_hidden_in_debug() {
        let position = token(json!("hush"));
        assert_eq!(format!("{position:?}"), "FeedPosition(token)");
        let restored: FeedPosition = serde_json::from_str(&serde_json::to_string(&position).unwrap()).unwrap();
        assert_eq!(restored, position);
    }
}
