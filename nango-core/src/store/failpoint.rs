//! Failpoints: steps of a commit, of a run and of a walk at which a test aborts the process.
//!
//! A build with `debug_assertions` reads `NANGO_FAILPOINT=name[:count]` once, and aborts when the named failpoint is
//! hit for the `count`th time (default: the first): no destructor runs and nothing is flushed, as with `kill -9`. A
//! release build contains no failpoints.
//!
//! Invariants: a name that is not in [`NAMES`] does not compile, and the crash tests abort at every listed name. Names
//! with a database as their prefix are hit on that database only.

#[cfg(debug_assertions)]
use std::{
    process,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// All failpoints, in the order in which a run hits them.
#[cfg(debug_assertions)]
pub const NAMES: [&str; 43] = [
    "sqlite:open:schema",
    "sqlite:open:ready",
    "postgres:open:schema",
    "postgres:open:ready",
    "queue:enqueued",
    "queue:claimed",
    "run:begun",
    "run:before-call",
    "scan:closed-other",
    "scan:begun",
    "sqlite:group:begun",
    "page:counted",
    "page:record-half",
    "page:records",
    "page:marks",
    "page:dataset",
    "page:checkpoint",
    "page:resume",
    "page:parents",
    "page:end",
    "sqlite:group:job",
    "sqlite:group:before-commit",
    "sqlite:group:committed",
    "postgres:before-commit",
    "postgres:committed",
    "mapper:page-kept",
    "mapper:walked",
    "each:parent-done",
    "each:walked",
    "each:gone",
    "scan:counted",
    "scan:tombstone",
    "scan:missed",
    "scan:finished",
    "scan:parents",
    "run:before-end",
    "queue:next-attempt",
    "run:end",
    "run:ended",
    "sqlite:close",
    "refresh:before-request",
    "refresh:answered",
    "refresh:stored",
];

/// Returns the index of a name in [`NAMES`]; evaluated by the compiler.
#[cfg(debug_assertions)]
pub(crate) const fn index(name: &str) -> usize {
    let mut at = 0;
    while at < NAMES.len() {
        if bytes_eq(NAMES[at].as_bytes(), name.as_bytes()) {
            return at;
        }
        at += 1;
    }
    panic!("this failpoint is not in NAMES: the crash tests would not hit it")
}

#[cfg(debug_assertions)]
const fn bytes_eq(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    a.len() == b.len() && at == a.len()
}

/// Aborts the process if the environment selects this failpoint and count.
#[cfg(debug_assertions)]
pub(crate) fn hit(index: usize) {
    static CONFIGURED: OnceLock<Option<(usize, u64)>> = OnceLock::new();
    static HITS: AtomicU64 = AtomicU64::new(0);
    let selected = CONFIGURED.get_or_init(|| parse(&std::env::var("NANGO_FAILPOINT").ok()?));
    if let Some((selected, count)) = selected
        && *selected == index
        && HITS.fetch_add(1, Ordering::Relaxed) + 1 == *count
    {
        process::abort();
    }
}

/// Parses `name[:count]`. Names contain colons too, so the count is the part after the last colon, if it is a number.
#[cfg(debug_assertions)]
fn parse(text: &str) -> Option<(usize, u64)> {
    let position = |name: &str| NAMES.iter().position(|known| *known == name);
    match text.rsplit_once(':').and_then(|(name, count)| Some((position(name)?, count.parse().ok()?))) {
        Some(selected) => Some(selected),
        None => Some((position(text)?, 1)),
    }
}

/// Marks a failpoint: `failpoint!("page:records")`.
macro_rules! failpoint {
    ($name:literal) => {
        #[cfg(debug_assertions)]
        {
            const INDEX: usize = $crate::store::failpoint::index($name);
            $crate::store::failpoint::hit(INDEX);
        }
    };
}
pub(crate) use failpoint;

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    fn failpoint_parses_with_or_without_count() {
        let at = |name| NAMES.iter().position(|known| *known == name);
        assert_eq!(parse("page:end"), Some((at("page:end").unwrap(), 1)));
        assert_eq!(parse("page:end:7"), Some((at("page:end").unwrap(), 7)));
        assert_eq!(parse("sqlite:close:2"), Some((at("sqlite:close").unwrap(), 2)));
        for wrong in ["", "page", "page:end:", "page:end:x", "unknown:3"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn failpoint_names_are_unique() {
        for (at, name) in NAMES.iter().enumerate() {
            assert_eq!(index(name), at, "{name}");
        }
    }
}
