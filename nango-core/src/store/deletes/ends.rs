//! The ends of several walks of one scan as one.

use super::ScanWalk;

/// How records were requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkKind {
    /// By a walk with token pagination.
    Token,
    /// By a walk with position-based pagination.
    Position,
    /// By plain requests. Several of them count as one position-based walk.
    Plain,
}

/// The end of one walk of a scan. Plain requests count as one walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkEnd {
    /// Whether it ended Complete. A walk that was dropped before its end did not.
    pub complete: bool,
    /// How it requested records.
    pub kind: WalkKind,
    /// How many requests it made.
    pub requests: u64,
    /// Whether it had a shift.
    pub shifted: bool,
    /// Whether it returned no record.
    pub list_empty: bool,
}

impl ScanWalk {
    /// The ends of all walks of a scan as one: the weakest decides. A scan without a walk proves nothing, and several walks
    /// of one request each are not several requests of one walk.
    pub fn combined(ends: &[WalkEnd]) -> Self {
        let plain = ends.iter().filter(|end| end.kind == WalkKind::Plain).map(|end| end.requests).sum::<u64>();
        let longest = ends.iter().filter(|end| end.kind != WalkKind::Plain).map(|end| end.requests).max();
        let position = |end: &WalkEnd| end.kind == WalkKind::Position && end.requests > 1;
        Self {
            complete: !ends.is_empty() && ends.iter().all(|end| end.complete),
            position: ends.is_empty() || plain > 1 || ends.iter().any(position),
            requests: longest.unwrap_or(0).max(plain),
            shifted: ends.iter().any(|end| end.shifted),
            list_empty: ends.iter().all(|end| end.list_empty),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(kind: WalkKind, requests: u64) -> WalkEnd {
        WalkEnd { complete: true, kind, requests, shifted: false, list_empty: false }
    }

    #[test]
    fn scan_without_a_walk_proves_nothing() {
        assert!(!ScanWalk::combined(&[]).complete);
    }

    #[test]
    fn walks_of_one_request_each_are_no_position_based_walk() {
        let one = end(WalkKind::Position, 1);
        let walk = ScanWalk::combined(&[one.clone(), one.clone(), one]);
        assert_eq!((walk.complete, walk.position, walk.requests), (true, false, 1));
        let walk = ScanWalk::combined(&[end(WalkKind::Token, 9), end(WalkKind::Position, 2)]);
        assert_eq!((walk.position, walk.requests), (true, 9));
    }

    #[test]
    fn plain_requests_are_added_up() {
        let one = end(WalkKind::Plain, 1);
        assert!(!ScanWalk::combined(std::slice::from_ref(&one)).position);
        let walk = ScanWalk::combined(&[one.clone(), one]);
        assert_eq!((walk.position, walk.requests), (true, 2));
    }

    #[test]
    fn list_is_empty_only_if_every_walk_was() {
        let empty = WalkEnd { list_empty: true, ..end(WalkKind::Token, 1) };
        assert!(ScanWalk::combined(&[empty.clone(), empty.clone()]).list_empty);
        assert!(!ScanWalk::combined(&[empty, end(WalkKind::Token, 1)]).list_empty);
    }
}
