//! Combined result of the walks of one scan.

/// The combined result of a scan's walks, as far as deletes depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is evidence of its own")]
pub struct ScanWalk {
    /// Whether every walk ended as complete.
    pub complete: bool,
    /// Whether the pagination is position-based.
    pub position_based: bool,
    /// The number of requests of the longest walk.
    pub requests: u64,
    /// Whether a walk detected a shift.
    pub shifted: bool,
    /// Whether the list was empty: no walk returned a record.
    pub list_empty: bool,
}

/// The method by which a walk requests records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkKind {
    /// A walk with token pagination.
    Token,
    /// A walk with position-based pagination.
    Position,
    /// Requests without pagination. Several of them count as one position-based walk.
    Plain,
}

/// The result of one walk of a scan. Requests without pagination count as one walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkResult {
    /// Whether the walk ended as complete. A walk that was dropped before its end is not complete.
    pub complete: bool,
    /// The method by which the walk requested records.
    pub kind: WalkKind,
    /// The number of requests.
    pub requests: u64,
    /// Whether the walk detected a shift.
    pub shifted: bool,
}

impl ScanWalk {
    /// Combines the walks of a scan: the weakest result decides. A scan without a walk is incomplete, and several walks
    /// of one request each do not count as several requests of one walk.
    pub fn combined(parts: &[WalkResult], list_empty: bool) -> Self {
        let plain = parts.iter().filter(|part| part.kind == WalkKind::Plain).map(|part| part.requests).sum::<u64>();
        let longest = parts.iter().filter(|part| part.kind != WalkKind::Plain).map(|part| part.requests).max();
        let position = |part: &WalkResult| part.kind == WalkKind::Position && part.requests > 1;
        Self {
            complete: !parts.is_empty() && parts.iter().all(|part| part.complete),
            position_based: parts.is_empty() || plain > 1 || parts.iter().any(position),
            requests: longest.unwrap_or(0).max(plain),
            shifted: parts.iter().any(|part| part.shifted),
            list_empty,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk_result(kind: WalkKind, requests: u64) -> WalkResult {
        WalkResult { complete: true, kind, requests, shifted: false }
    }

    #[test]
    fn scan_is_incomplete_without_walks() {
        assert!(!ScanWalk::combined(&[], true).complete);
    }

    #[test]
    fn scan_is_not_position_based_when_each_walk_has_one_request() {
        let one = walk_result(WalkKind::Position, 1);
        let walk = ScanWalk::combined(&[one.clone(), one.clone(), one], false);
        assert_eq!((walk.complete, walk.position_based, walk.requests), (true, false, 1));
        let walk = ScanWalk::combined(&[walk_result(WalkKind::Token, 9), walk_result(WalkKind::Position, 2)], false);
        assert_eq!((walk.position_based, walk.requests), (true, 9));
    }

    #[test]
    fn plain_requests_count_as_one_walk() {
        let one = walk_result(WalkKind::Plain, 1);
        assert!(!ScanWalk::combined(std::slice::from_ref(&one), false).position_based);
        let walk = ScanWalk::combined(&[one.clone(), one], false);
        assert_eq!((walk.position_based, walk.requests), (true, 2));
    }
}
