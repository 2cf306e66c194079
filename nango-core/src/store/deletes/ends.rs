//! The ends of several walks of one scan as one.

use super::ScanWalk;

/// How records were requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// By a walk with token pagination.
    Token,
    /// By a walk with position-based pagination.
    Position,
    /// By plain requests. Several of them count as one position-based walk.
    Plain,
}

/// One walk of a scan, ended or dropped. Plain requests count as one walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanPart {
    /// Whether it ended Complete. A walk that was dropped before its end did not.
    pub complete: bool,
    /// How it requested records.
    pub kind: PartKind,
    /// How many requests it made.
    pub requests: u64,
    /// Whether it had a shift.
    pub shifted: bool,
}

impl ScanWalk {
    /// The walks of a scan as one: the weakest decides. A scan without a walk proves nothing, and several walks
    /// of one request each are not several requests of one walk.
    pub fn combined(parts: &[ScanPart], list_empty: bool) -> Self {
        let plain = parts.iter().filter(|part| part.kind == PartKind::Plain).map(|part| part.requests).sum::<u64>();
        let longest = parts.iter().filter(|part| part.kind != PartKind::Plain).map(|part| part.requests).max();
        let position = |part: &ScanPart| part.kind == PartKind::Position && part.requests > 1;
        Self {
            complete: !parts.is_empty() && parts.iter().all(|part| part.complete),
            position: parts.is_empty() || plain > 1 || parts.iter().any(position),
            requests: longest.unwrap_or(0).max(plain),
            shifted: parts.iter().any(|part| part.shifted),
            list_empty,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(kind: PartKind, requests: u64) -> ScanPart {
        ScanPart { complete: true, kind, requests, shifted: false }
    }

    #[test]
    fn scan_without_a_walk_proves_nothing() {
        assert!(!ScanWalk::combined(&[], true).complete);
    }

    #[test]
    fn walks_of_one_request_each_are_no_position_based_walk() {
        let one = end(PartKind::Position, 1);
        let walk = ScanWalk::combined(&[one.clone(), one.clone(), one], false);
        assert_eq!((walk.complete, walk.position, walk.requests), (true, false, 1));
        let walk = ScanWalk::combined(&[end(PartKind::Token, 9), end(PartKind::Position, 2)], false);
        assert_eq!((walk.position, walk.requests), (true, 9));
    }

    #[test]
    fn plain_requests_are_added_up() {
        let one = end(PartKind::Plain, 1);
        assert!(!ScanWalk::combined(std::slice::from_ref(&one), false).position);
        let walk = ScanWalk::combined(&[one.clone(), one], false);
        assert_eq!((walk.position, walk.requests), (true, 2));
    }
}
