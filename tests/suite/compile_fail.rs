//! What the attributes accept, and what they say about everything else.
//!
//! One file for each mistake in `ui/`, named after it, with the compiler's answer beside it. The answers are those of
//! the pinned toolchain; when it moves, or when a message changes on purpose: `TRYBUILD=overwrite cargo test -p
//! nango-tests --test suite compile_fail`, and read the difference.
//!
//! Programs that must compile are test targets of their own (`programs/`): only without a program to be run does trybuild
//! check all cases with one `cargo check`, on all cores, in place of a `cargo build` for each.

#[test]
fn every_mistake_has_one_readable_error() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}
