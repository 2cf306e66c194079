//! Compile errors of the attribute macros.
//!
//! Each file in `ui/` contains one mistake and is named after it; the expected compiler output is beside it. The
//! outputs are those of the pinned toolchain. When the toolchain or a message changes, run
//! `TRYBUILD=overwrite cargo test -p nango-tests --test suite compile_fail` and review the difference.
//!
//! Programs that must compile are test targets of their own (`programs/`): if there are none to run, trybuild checks
//! all cases with one `cargo check` on all cores instead of one `cargo build` each.

#[test]
fn every_mistake_has_one_readable_error() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}
