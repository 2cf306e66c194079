//! What the attributes accept, and what they say about everything else.
//!
//! One file for each mistake in `ui/`, named after it, with the compiler's answer beside it. The answers are those of
//! the pinned toolchain; when it moves, or when a message changes on purpose: `TRYBUILD=overwrite cargo test -p
//! nango-tests --test suite compile_fail`, and read the difference.

#[test]
fn every_mistake_has_one_readable_error() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/*.rs");
}
