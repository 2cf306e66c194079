//! Pagination style of an API, and the declaration of the mapper.

use crate::declare::{OffsetBy, Paginate, Pagination};
use crate::rng::Rng;

/// Number of records that are requested for a page.
pub(super) const LIMIT: usize = 10;

/// Location of the position of the next page in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PositionCarrier {
    CursorText,
    CursorNumber,
    LinkKeyset,
    LinkPageInfo,
    LinkPage,
    BodyLinkKeyset,
    BodyLinkPage,
    /// A link that differs from the previous request only in its path.
    PathLink,
    LastItem,
    Offset,
    Page,
    Single,
}

use PositionCarrier::{
    BodyLinkKeyset, BodyLinkPage, CursorNumber, CursorText, LastItem, LinkKeyset, LinkPage, LinkPageInfo, Offset, Page,
    PathLink, Single,
};

const CARRIERS: [PositionCarrier; 14] = [
    CursorText,
    CursorNumber,
    LinkKeyset,
    LinkPageInfo,
    LinkPage,
    BodyLinkKeyset,
    BodyLinkPage,
    PathLink,
    LastItem,
    Offset,
    Page,
    Single,
    Offset,
    Page,
];

/// Style of an API: its pagination values and its peculiarities.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a peculiarity of its own")]
pub(super) struct Style {
    pub(super) carrier: PositionCarrier,
    pub(super) has_more: bool,
    pub(super) is_last: bool,
    pub(super) total: bool,
    pub(super) total_pages: bool,
    /// Whether the mapper declares a limit.
    pub(super) limit: bool,
    /// Maximum number of records that the server returns.
    pub(super) cap: usize,
    /// Whether records are hidden after the page was selected.
    pub(super) filtered: bool,
    /// Status after the last page, and whether it is declared.
    pub(super) end_status: Option<(u16, bool)>,
    /// Whether pages have status 206.
    pub(super) partial: bool,
    /// Whether an empty list is null.
    pub(super) null_when_empty: bool,
    /// Whether an empty list after the first page is a 204.
    pub(super) no_content: bool,
    /// Whether there is always a cursor, which leads to itself after the last record.
    pub(super) always_cursor: bool,
    /// Form of the `Link` header.
    pub(super) link_form: u64,
    /// Whether bodies begin with a byte order mark.
    pub(super) byte_order_mark: bool,
    /// Whether the records are the values of an object.
    pub(super) object: bool,
    pub(super) declared: Option<Pagination>,
}

impl Style {
    /// Returns the plain style of a carrier.
    pub(super) fn plain(carrier: PositionCarrier) -> Self {
        Self {
            carrier,
            has_more: false,
            is_last: false,
            total: false,
            total_pages: false,
            limit: true,
            cap: LIMIT,
            filtered: false,
            end_status: None,
            partial: false,
            null_when_empty: false,
            no_content: false,
            always_cursor: false,
            link_form: 0,
            byte_order_mark: false,
            object: false,
            declared: None,
        }
    }

    /// Returns a random style. `stable` is whether the order of the list is stable.
    pub(super) fn random(rng: &mut Rng, stable: bool) -> Self {
        let mut style = Self::plain(*rng.choose(&CARRIERS));
        if style.carrier == LastItem && !stable {
            style.carrier = CursorText;
        }
        if rng.percent(40) {
            // The plain style is common, and its rate of false deletes is checked.
            style.declare_kind(rng, stable);
            return style;
        }
        if style.carrier == Single {
            style.null_when_empty = rng.percent(15);
            style.byte_order_mark = rng.percent(15);
            style.object = rng.percent(30);
            style.declare_kind(rng, stable);
            return style;
        }
        style.has_more = rng.percent(25);
        style.is_last = rng.percent(15);
        style.total = rng.percent(25);
        // A number of pages is evidence only for offsets and last items: other pages may be shorter than the server
        // counts.
        style.total_pages = !matches!(style.carrier, Offset | LastItem) && rng.percent(10);
        style.limit = rng.percent(85);
        style.cap = *rng.choose(&[3, 4, 7, LIMIT, LIMIT, LIMIT]);
        style.filtered = rng.percent(20);
        style.partial = rng.percent(15);
        style.null_when_empty = rng.percent(15);
        style.no_content = rng.percent(15);
        style.always_cursor = style.carrier == CursorText && rng.percent(30);
        style.link_form = rng.below(6);
        style.byte_order_mark = rng.percent(15);
        style.object = rng.percent(30);
        if style.is_counted() && rng.percent(25) {
            style.end_status = Some((*rng.choose(&[400, 404, 410, 416, 422]), rng.percent(50)));
        }
        style.declare_kind(rng, stable);
        style
    }

    fn declare_kind(&mut self, rng: &mut Rng, stable: bool) {
        if !stable {
            // The documentation recommends this for lists that are sorted by a field that changes.
            self.declared = Some(Pagination::Position);
        } else if self.carrier == CursorNumber && rng.percent(50) {
            self.declared = Some(Pagination::Token);
        }
    }

    /// Returns whether the mapper finds the next page by counting or by the last record.
    pub(super) fn is_counted(&self) -> bool {
        matches!(self.carrier, Offset | Page)
    }

    /// Returns whether a page is found by a number of records or pages.
    pub(super) fn by_number(&self) -> bool {
        matches!(self.carrier, Offset | Page | LinkPage | BodyLinkPage)
    }

    /// Returns whether the pagination is token pagination according to the specification.
    pub(super) fn is_token(&self) -> bool {
        match self.declared {
            Some(declared) => declared == Pagination::Token,
            None => !self.by_number() && self.carrier != CursorNumber,
        }
    }

    /// Returns whether a mapper can detect the end of the list, so that each walk without faults must be complete.
    pub(super) fn is_well_behaved(&self) -> bool {
        let evidence = self.has_more || self.is_last || self.total || self.total_pages;
        match self.carrier {
            Offset if self.filtered => false,
            // The total and the length of the first page are inconsistent.
            Page if self.filtered && (self.total || self.total_pages) => false,
            Offset | Page => self.end_status.is_none_or(|(_, declared)| declared) && !(self.partial && evidence),
            _ => true,
        }
    }

    /// Returns whether the rate of false deletes is checked: plain pages of ten records by number.
    pub(super) fn is_plain_by_number(&self) -> bool {
        self.by_number() && self.cap == LIMIT && !self.filtered
    }

    pub(super) fn paginate(&self) -> Paginate {
        let mut paginate = match self.carrier {
            CursorText | CursorNumber => Paginate::cursor("after", "next"),
            LinkKeyset | LinkPageInfo | LinkPage | Single => Paginate::link("next"),
            BodyLinkKeyset | BodyLinkPage | PathLink => Paginate::link_in_body("next"),
            LastItem => Paginate::last_item("after", "id"),
            Offset => Paginate::offset("offset"),
            Page => Paginate::offset("page").by(OffsetBy::Page).start(1),
        };
        paginate = paginate.response_path(if self.object { "items.*" } else { "items" });
        if self.carrier == Single {
            return paginate;
        }
        if self.limit {
            paginate = paginate.limit(u32::try_from(LIMIT).unwrap()).limit_name("limit");
        }
        if self.has_more {
            paginate = paginate.has_more("has_more");
        }
        if self.is_last {
            paginate = paginate.is_last("meta.is_last");
        }
        paginate.total = self.total.then_some("meta.total".into());
        paginate.total_pages = self.total_pages.then_some("pages".into());
        if let Some((status, true)) = self.end_status {
            paginate = paginate.end_status([status]);
        }
        paginate.pagination = self.declared;
        paginate
    }
}
